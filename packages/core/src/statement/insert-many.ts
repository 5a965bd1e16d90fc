import type { Statement } from '../exchange/statement.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { Column } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { arrayLiteral } from './array-literal.ts';
import { columnList, newValue } from './column-list.ts';
import { perShape, perTable } from './per-table.ts';
import { givenRows, insertedRow } from './shared-key.ts';

/** Largest number of rows of one statement: enough to make its fixed cost small, and few enough for messages of some megabytes. */
export const ROWS_PER_STATEMENT = 10_000;

interface InsertManyShape {
  readonly hasRevisions: boolean;
  /** Whether a row lacks a value that the database computes. */
  readonly hasGaps: boolean;
}

/**
 * Returns the time that all rows were created at, in the first column. If a row lacks a value that the database computes,
 * there is a result row for each inserted one, in their order, with the columns of `defaultedColumns` after the time.
 */
export function insertManyStatement(table: RegisteredTable, rows: readonly WritableRow[]): Statement {
  const hasRevisions = table.definition.revisioned && rows.some(({ revision }) => revision !== undefined);
  const hasGaps = hasGap(table, rows);
  const sent = rows.map((row) => insertedRow(table, row));
  const arrays = suppliedColumns(table).map((_, index) => arrayLiteral(sent, (values) => values[index] ?? null));
  if (hasRevisions) arrays.push(arrayLiteral(rows, ({ revision }) => revision ?? '1'));
  return {
    name: 'insert-many',
    text: insertManySql(table, `${hasRevisions} ${hasGaps}`, { hasRevisions, hasGaps }),
    values: arrays,
  };
}

/** The columns whose missing values the database computes, each with its place among `suppliedColumns`. */
export const defaultedColumns = perTable((table): readonly { column: Column; index: number }[] =>
  suppliedColumns(table)
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => column.databaseDefault !== undefined),
);

const hasGap = (table: RegisteredTable, rows: readonly WritableRow[]): boolean =>
  defaultedColumns(table).some(({ index }) => rows.some(({ values }) => values[index] === null));

const insertManySql = perShape<InsertManyShape>((table, { hasRevisions, hasGaps }) => {
  const columns = suppliedColumns(table);
  const types = [...columns.map((column) => column.format.sqlType), ...(hasRevisions ? ['bigint'] : [])];
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
  const into = `insert into ${table.qualifiedName} (${columnList(columns)}${hasRevisions ? ', revision' : ''})`;
  if (hasGaps) return withComputedValues(table, into, arrays, hasRevisions);
  return `
    with inserted as (
      ${into}
      ${givenRows(table, `unnest(${arrays})`, hasRevisions)}
      returning created_at
    )
    select min(created_at), count(*) from inserted`;
});

/** The values are computed once, before the rows are inserted, so that they can be returned in the order of the rows. */
function withComputedValues(table: RegisteredTable, into: string, arrays: string, hasRevisions: boolean): string {
  const columns = suppliedColumns(table);
  const names = Array.from({ length: columns.length + (hasRevisions ? 1 : 0) }, (_, index) => `c${index}`);
  const values = names.map((name, index) => {
    const column = columns[index];
    return column === undefined ? `i.${name}` : `${newValue(column, `i.${name}`)} as ${name}`;
  });
  const results = defaultedColumns(table).map(({ index }) => `g.c${index}`);
  return `
    with computed as materialized (
      select i.place, ${values.join(', ')}
      from unnest(${arrays}) with ordinality as i(${names.join(', ')}, place)
    ), inserted as (
      ${into}
      ${givenRows(table, `(select ${names.join(', ')} from computed)`, hasRevisions)}
      returning created_at
    )
    select (select min(created_at) from inserted), ${results.join(', ')} from computed g order by g.place`;
}
