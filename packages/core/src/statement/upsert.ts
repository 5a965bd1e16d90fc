import type { Statement } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import { primaryKeyName } from '../table/constraint-name.ts';
import { INSTANCE_ID, type RegisteredTable } from '../table/registered-table.ts';
import { allColumns, columnList } from './column-list.ts';
import { quoteIdentifier } from './identifier.ts';
import { perShape } from './per-table.ts';
import { identityComparison, insertedRow, insertedValues, noOtherHasKey } from './shared-key.ts';
import { touched, updateStatement } from './update.ts';

interface UpsertShape {
  readonly hasRevision: boolean;
  readonly findsInstance: boolean;
}

const upsertText = perShape<UpsertShape>((table, { hasRevision, findsInstance }) => {
  const columns = suppliedColumns(table);
  const conditions = [
    ...(hasRevision ? [`stored.revision = $${columns.length + 1}`] : []),
    ...(findsInstance ? [noOtherHasKey(table, 'all')] : []),
  ];
  const condition = conditions.length > 0 ? `\n    where ${conditions.join(' and ')}` : '';
  return `
    insert into ${table.qualifiedName} as stored (${columnList(columns)})
    ${upsertedValues(table, hasRevision, findsInstance)}
    on conflict on constraint ${quoteIdentifier(primaryKeyName(table.name))}
    do update set ${assignments(table, findsInstance)}${condition}
    returning ${allColumns(table)}`;
});

/**
 * Inserts at revision 1, or replaces the stored row, soft-deleted or not, if it has the row's revision. A row without a
 * revision replaces any revision. A row with a revision of 1 or more only replaces; revision 0 only inserts.
 *
 * Returns the stored row. Returns none if the revisions differ, or if records of several instances have the key.
 */
export function upsertStatement(table: RegisteredTable, row: WritableRow): Statement {
  if (onlyReplaces(table, row)) return updateStatement(table, row, identityOf(table, row), true);
  const hasRevision = row.revision !== undefined;
  const findsInstance = row.findsInstance ?? false;
  const values = insertedRow(table, row);
  return {
    name: 'upsert',
    text: upsertText(table, `${hasRevision} ${findsInstance}`, { hasRevision, findsInstance }),
    values: row.revision === undefined ? values : [...values, row.revision],
  };
}

/** Whether the upsert is an update: Citus does not take an insert that first looks for the row. */
export const onlyReplaces = ({ placement }: RegisteredTable, { revision }: WritableRow): boolean =>
  placement !== 'here' && revision !== undefined && revision !== '0';

const identityOf = (table: RegisteredTable, { values }: WritableRow): IdentityValue[] =>
  table.identity.map((column) => ({ column, value: values[suppliedColumns(table).indexOf(column)] ?? null }));

/** What an upsert inserts. A revision from 1 must find its row; with revision 0 the conflict rule refuses a row that is there. */
export const upsertedValues = (table: RegisteredTable, hasRevision: boolean, findsInstance: boolean): string =>
  hasRevision && table.placement === 'here'
    ? valuesUnlessMissing(table, findsInstance)
    : `values (${insertedValues(table)})`;

/**
 * Selects the values, or nothing if they must replace a row that does not exist. With revision 0 no row may exist. The
 * row is locked: if it were deleted before the insert, the insert would create it again at revision 1.
 */
function valuesUnlessMissing(table: RegisteredTable, findsInstance: boolean): string {
  const columns = suppliedColumns(table);
  const typed = (index: number): string => `$${index + 1}::${columns[index]?.format.sqlType}`;
  const identity = table.sharesKeys
    ? [...table.identity.filter((column) => column !== INSTANCE_ID), ...(findsInstance ? [] : [INSTANCE_ID])]
    : table.identity;
  const same = identityComparison(table, identity, (column) => typed(columns.indexOf(column)), 'present.');
  return `select ${insertedValues(table, typed)}
    where $${columns.length + 1}::bigint = 0 or exists (select from ${table.qualifiedName} present where ${same} for no key update)`;
}

/** Citus takes no function in `do update`, so there the time is that of the row that was to be inserted. */
const touchedByUpsert = (table: RegisteredTable): string[] =>
  table.placement === 'here' || table.definition.revisioned ? touched(table) : ['updated_at = excluded.updated_at'];

function assignments(table: RegisteredTable, findsInstance: boolean): string {
  const replaced = suppliedColumns(table).filter(
    (column) => !table.identity.includes(column) && !(findsInstance && column === INSTANCE_ID),
  );
  const revived = table.definition.softDelete ? ['deleted_at = null'] : [];
  const all = [
    ...replaced.map(({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`),
    ...revived,
    ...touchedByUpsert(table),
  ];
  return all.length > 0 ? all.join(', ') : 'revision = stored.revision';
}
