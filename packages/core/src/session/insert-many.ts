import type { Statement, StatementResult } from '../exchange/statement.ts';
import { readRow } from '../record/read-row.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import { insertManyStatement, ROWS_A_STATEMENT } from '../statement/insert-many.ts';
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
    const createdAt = results[index]?.rows[0]?.[0] ?? null;
    return chunk.map((row) => readRow(table, storedRow(table, row, createdAt)) as RecordOf<T>);
  });
}

function storedRow(table: RegisteredTable, row: WritableRow, createdAt: string | null): (string | null)[] {
  const supplied = suppliedColumns(table).map((_, index) => asText(row.values[index] ?? null));
  return [...supplied, ...(table.definition.revisioned ? [row.revision ?? '1'] : []), createdAt, createdAt, null].slice(
    0,
    table.columns.length,
  );
}

/** As Postgres would write what was sent in binary or in another spelling. */
const asText = (value: string | Buffer | null): string | null =>
  value === null || typeof value === 'string' ? value : `\\x${value.toString('hex')}`;

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
