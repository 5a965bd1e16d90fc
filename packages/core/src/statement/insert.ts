import type { Statement } from '../exchange/statement.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns, columnList } from './column-list.ts';
import { perTable } from './per-table.ts';
import { insertedRow, insertedValues } from './shared-key.ts';

const insertSql = perTable((table) => insertText(table, ''));
const insertAtRevisionSql = perTable((table) => insertText(table, 'revision'));

/** The statement inserts the row and returns it as stored. The revision is that of the record if it has one, otherwise 1. */
export function insertStatement(table: RegisteredTable, row: WritableRow): Statement {
  if (row.revision === undefined) return { name: 'insert', text: insertSql(table), values: insertedRow(table, row) };
  return { name: 'insert', text: insertAtRevisionSql(table), values: [...insertedRow(table, row), row.revision] };
}

function insertText(table: RegisteredTable, extra: '' | 'revision'): string {
  const columns = suppliedColumns(table);
  return `
    insert into ${table.qualifiedName} (${columnList(columns)}${extra && `, ${extra}`})
    values (${insertedValues(table)}${extra && `, $${columns.length + 1}`})
    returning ${allColumns(table)}`;
}
