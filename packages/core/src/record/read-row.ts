import { InvalidRecordError } from '../error/intendant-error.ts';
import type { Column } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/** Makes a record from a row with all columns of the table, in the table's order. */
export function readRow(table: RegisteredTable, row: readonly (string | null)[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  const { columns } = table;
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as Column;
    const text = row[index] ?? null;
    if (text !== null) record[column.field] = readValue(table, column, text);
    else if (!column.isOmittedWhenNull) record[column.field] = null;
  }
  return record;
}

function readValue(table: RegisteredTable, column: Column, text: string): unknown {
  try {
    return column.format.decode(text);
  } catch (cause) {
    throw new InvalidRecordError(
      `${table.name}.${column.name}: the stored value cannot be read as ${column.format.sqlType}`,
      {
        details: { table: table.name, column: column.name },
        cause,
      },
    );
  }
}
