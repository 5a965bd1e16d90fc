import type { Statement, StatementResult } from '../exchange/statement.ts';
import { readRow } from '../record/read-row.ts';
import type { WritableRow } from '../record/write-row.ts';
import { defaultedColumns, insertManyStatement, ROWS_PER_STATEMENT } from '../statement/insert-many.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/**
 * Inserts thousands of rows with each statement, all in one exchange. The statements return only what is unknown here:
 * the time of creation and values that the database computes.
 */
export async function insertMany<T extends AnyTable>(
  table: RegisteredTable,
  rows: readonly WritableRow[],
  run: (statements: readonly Statement[]) => Promise<StatementResult[]>,
): Promise<RecordOf<T>[]> {
  const chunks = chunked(rows, ROWS_PER_STATEMENT);
  const results = await run(chunks.map((chunk) => insertManyStatement(table, chunk)));
  return chunks.flatMap((chunk, index) => {
    const returned = results[index]?.rows ?? [];
    const createdAt = returned[0]?.[0] ?? null;
    const rest = [createdAt, createdAt, null];
    return chunk.map(
      (row, place) => readRow(table, storedRow(table, filled(table, row, returned[place]), rest)) as RecordOf<T>,
    );
  });
}

/** The row with the values that the database computed. If one row lacks a value, the statement returns those of all rows. */
function filled(
  table: RegisteredTable,
  row: WritableRow,
  returned: readonly (string | null)[] | undefined,
): WritableRow {
  const defaulted = defaultedColumns(table);
  if (defaulted.every(({ index }) => row.values[index] !== null)) return row;
  const values = [...row.values];
  for (const [place, { index }] of defaulted.entries()) values[index] = returned?.[place + 1] ?? null;
  return { ...row, values };
}

function storedRow(
  table: RegisteredTable,
  { values, revision }: WritableRow,
  rest: readonly (string | null)[],
): (string | null)[] {
  const stored: (string | null)[] = [];
  for (let index = 0; index < values.length; index++) stored.push(asText(values[index] ?? null));
  if (table.definition.revisioned) stored.push(revision ?? '1');
  for (const value of rest) if (stored.length < table.columns.length) stored.push(value);
  return stored;
}

/** The text form of a value that was sent in binary form. */
const asText = (value: string | Buffer | null): string | null =>
  value === null || typeof value === 'string' ? value : `\\x${value.toString('hex')}`;

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
