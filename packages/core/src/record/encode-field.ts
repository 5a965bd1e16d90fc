import { InvalidRecordError } from '../error/intendant-error.ts';
import type { WireValue } from '../exchange/statement.ts';
import { type Column, encodeColumn } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/** Encodes a value as a parameter. Throws InvalidRecordError, which never contains the value. */
export function encodeField(table: RegisteredTable, column: Column, value: unknown): WireValue {
  try {
    return encodeColumn(column, value);
  } catch (cause) {
    throw new InvalidRecordError(`${table.name}: ${column.field} ${(cause as Error).message}`, {
      details: { table: table.name, issues: [{ path: [column.field], message: (cause as Error).message }] },
      cause,
    });
  }
}
