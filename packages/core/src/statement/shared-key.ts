import type { WireValue } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { Column } from '../table/column.ts';
import { primaryKeyName } from '../table/constraint-name.ts';
import { INSTANCE_ID, ORG_ID, type RegisteredTable } from '../table/registered-table.ts';
import { newValue } from './column-list.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';

/**
 * Statements of a store without an instancer on a table with `instance_id`. A record is found by its key, and its
 * instance does not change. Two instances may have a record with the same key; then a change matches no row, and the
 * session reports why. The statement itself checks this, because another store may add `instance_id` to the primary key
 * at any time.
 */

/** Whether this identity names no instance, so that records of several instances may match it. */
export const isOpenKey = (table: RegisteredTable, identity: readonly IdentityValue[]): boolean =>
  table.sharesKeys && !identity.some(({ column }) => column === INSTANCE_ID);

/** The condition that no other instance has the key of the row, which is called `stored`; '' if the identity names the instance. */
export const uniqueKeyCondition = (
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  rows: 'alive' | 'all',
): string => (isOpenKey(table, identity) ? ` and ${noOtherHasKey(table, rows)}` : '');

/** The same for a row that was just written: compares by its key, whatever instance the record named. */
export function noOtherHasKey(table: RegisteredTable, rows: 'alive' | 'all'): string {
  const isAlive = rows === 'alive' && table.definition.softDelete ? ' and other.deleted_at is null' : '';
  return `not exists (
      select from ${table.qualifiedName} as other
      where ${sameKey(table, 'other', ({ name }) => `stored.${quoteIdentifier(name)}`)} and other.instance_id <> stored.instance_id${isAlive}
    )`;
}

/**
 * Compares the row's instance with the one that the record names. While the primary key lacks `instance_id`, no store
 * with an instancer uses the table. Then `instance_id` is an ordinary column, and the record's value replaces the
 * stored one.
 */
const namedInstanceCondition = (table: RegisteredTable, placeholder: string): string =>
  `(instance_id = ${placeholder} or not exists (
      select from pg_catalog.pg_constraint c
      join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) and a.attname = 'instance_id'
      where c.conrelid = ${quoteLiteral(table.qualifiedName)}::pg_catalog.regclass
        and c.conname = ${quoteLiteral(primaryKeyName(table.name))}
    ))`;

/** Selects the row to update. The parameters for `identity` start at number `first`. */
export const changedCondition = (table: RegisteredTable, identity: readonly IdentityValue[], first: number): string =>
  identityComparison(
    table,
    identity.map(({ column }) => column),
    (_, index) => `$${first + index}`,
  );

/** Compares these columns of a row; the instance is compared as by `namedInstanceCondition`. */
export const identityComparison = (
  table: RegisteredTable,
  columns: readonly Column[],
  valueFor: (column: Column, index: number) => string,
  alias: '' | 'present.' = '',
): string =>
  columns
    .map((column, index) =>
      table.sharesKeys && column === INSTANCE_ID
        ? namedInstanceCondition(table, valueFor(column, index))
        : `${alias}${quoteIdentifier(column.name)} = ${valueFor(column, index)}`,
    )
    .join(' and ');

/**
 * Placeholders for the values of a new row. A row that names no instance gets the instance of the stored record with
 * its key, so that it conflicts with that record.
 */
export function insertedValues(
  table: RegisteredTable,
  placeholder = (index: number): string => `$${index + 1}`,
): string {
  const columns = suppliedColumns(table);
  const valueOfColumn = (column: Column): string => placeholder(columns.indexOf(column));
  return columns
    .map((column) =>
      table.sharesKeys && column === INSTANCE_ID
        ? foundInstance(table, valueOfColumn)
        : newValue(column, valueOfColumn(column)),
    )
    .join(', ');
}

const foundInstance = (table: RegisteredTable, valueOfColumn: (column: Column) => string): string =>
  `coalesce(${valueOfColumn(INSTANCE_ID)}::text, (
      select same.instance_id from ${table.qualifiedName} as same
      where ${sameKey(table, 'same', valueOfColumn)}
      limit 1), '')`;

/** The same for many rows, which come from `rows`: a call of unnest, or a query in parentheses. */
export function givenRows(table: RegisteredTable, rows: string, hasRevisions: boolean): string {
  if (!table.sharesKeys) return `select * from ${rows} as given`;
  const names = [
    ...suppliedColumns(table).map(({ name }) => quoteIdentifier(name)),
    ...(hasRevisions ? ['revision'] : []),
  ];
  const instance = `coalesce(given.instance_id, same.instance_id, '')`;
  const selected = names.map((name) => (name === quoteIdentifier(INSTANCE_ID.name) ? instance : `given.${name}`));
  return `select ${selected.join(', ')}
      from ${rows} as given (${names.join(', ')})
      left join ${table.qualifiedName} as same
        on given.instance_id is null and ${sameKey(table, 'same', ({ name }) => `given.${quoteIdentifier(name)}`)}`;
}

/** The row's values as `insertedValues` expects them: null for an instance that the record does not name. */
export function insertedRow(table: RegisteredTable, { values, findsInstance }: WritableRow): readonly WireValue[] {
  if (!findsInstance) return values;
  const place = suppliedColumns(table).indexOf(INSTANCE_ID);
  return values.map((value, index) => (index === place ? null : value));
}

const sameKey = (table: RegisteredTable, alias: string, valueOfColumn: (column: Column) => string): string =>
  [...(table.isTenanted ? [ORG_ID] : []), ...table.key]
    .map((column) => `${alias}.${quoteIdentifier(column.name)} = ${valueOfColumn(column)}`)
    .join(' and ');
