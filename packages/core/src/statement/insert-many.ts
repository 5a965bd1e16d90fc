import type { Statement } from '../exchange/statement.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { arrayLiteral } from './array-literal.ts';
import { columnList } from './column-list.ts';
import { perShape } from './per-table.ts';
import { givenRows, insertedRow } from './shared-key.ts';

/** Rows of one statement: enough that the cost of a statement vanishes, few enough that a message stays in megabytes. */
export const ROWS_A_STATEMENT = 10_000;

/** Answers one row: the time that all of them were created at. */
export function insertManyStatement(table: RegisteredTable, rows: readonly WritableRow[]): Statement {
  const hasRevisions = table.definition.revisioned && rows.some(({ revision }) => revision !== undefined);
  const sent = rows.map((row) => insertedRow(table, row));
  const arrays = suppliedColumns(table).map((_, index) => arrayLiteral(sent, (values) => values[index] ?? null));
  if (hasRevisions) arrays.push(arrayLiteral(rows, ({ revision }) => revision ?? '1'));
  return { name: 'insert-many', text: insertManySql(table, String(hasRevisions), hasRevisions), values: arrays };
}

const insertManySql = perShape<boolean>((table, hasRevisions) => {
  const columns = suppliedColumns(table);
  const types = [...columns.map((column) => column.format.sqlType), ...(hasRevisions ? ['bigint'] : [])];
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
  return `
    with inserted as (
      insert into ${table.qualifiedName} (${columnList(columns)}${hasRevisions ? ', revision' : ''})
      ${givenRows(table, arrays, hasRevisions)}
      returning created_at
    )
    select min(created_at), count(*) from inserted`;
});
