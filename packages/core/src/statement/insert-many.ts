import type { Statement } from '../exchange/statement.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { arrayLiteral } from './array-literal.ts';
import { columnList } from './column-list.ts';
import { perTable } from './per-table.ts';

/** Rows of one statement: enough that the cost of a statement vanishes, few enough that a message stays in megabytes. */
export const ROWS_A_STATEMENT = 10_000;

/** Answers one row: the time that all of them were created at. */
export function insertManyStatement(table: RegisteredTable, rows: readonly WritableRow[]): Statement {
  const columns = suppliedColumns(table);
  const arrays = columns.map((_, index) => arrayLiteral(rows.map((row) => row.values[index] ?? null)));
  const revisions = table.definition.revisioned ? [arrayLiteral(rows.map((row) => row.revision ?? '1'))] : [];
  return { name: 'insert-many', text: insertManySql(table), values: [...arrays, ...revisions] };
}

const insertManySql = perTable((table) => {
  const columns = suppliedColumns(table);
  const names = table.definition.revisioned ? `${columnList(columns)}, revision` : columnList(columns);
  const types = [...columns.map((column) => column.format.sqlType), ...(table.definition.revisioned ? ['bigint'] : [])];
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
  return `
    with inserted as (
      insert into ${table.qualifiedName} (${names})
      select * from unnest(${arrays})
      returning created_at
    )
    select min(created_at), count(*) from inserted`;
});
