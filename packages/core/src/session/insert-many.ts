import type { Statement, StatementResult } from '../exchange/statement.ts';
import { readRow } from '../record/read-row.ts';
import type { WritableRow } from '../record/write-row.ts';
import { defaultedColumns, insertManyStatement, ROWS_A_STATEMENT } from '../statement/insert-many.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/** Inserts in statements of thousands, all in one exchange. What is stored is known here but for the time, so only that comes back. */
export async function insertMany<T extends AnyTable>(
  table: RegisteredTable,
  rows: readonly WritableRow[],
  run: (statements: readonly Statement[]) => Promise<StatementResult[]>,
): Promise<RecordOf<T>[]> {
  const chunks = chunked(rows, ROWS_A_STATEMENT);
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

/** The row with the values that the database computed, which come back for each row if any lacked one. */
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

/** As Postgres would write what was sent in binary or in another spelling. */
const asText = (value: string | Buffer | null): string | null =>
  value === null || typeof value === 'string' ? value : `\\x${value.toString('hex')}`;

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
