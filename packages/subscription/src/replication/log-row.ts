import type { Pgoutput } from 'pg-logical-replication';
import type { ReplicatedTable } from './replicated-table.ts';

/** Columns and their values' text, as Postgres writes them. */
export type Tuple = Readonly<Record<string, string | null | undefined>>;

/** A row for the log, by the names of its columns. */
export interface LogRow {
  readonly table_name: string;
  readonly operation: string;
  readonly key: readonly (string | null | undefined)[];
  readonly org_id: string | null;
  readonly instance_id: string | null;
  readonly revision: string | null;
  readonly record: Tuple | null;
}

/** The columns of the log that are filled from a stream. */
export const LOG_COLUMNS = 'table_name, operation, key, org_id, instance_id, revision, record, occurred_at';
/** The same columns of rows that were given as JSON, with their types there. */
export const JSON_COLUMNS = `table_name text, operation text, key text[], org_id text, instance_id text,
  revision bigint, record jsonb, occurred_at timestamptz`;
/** The values for `LOG_COLUMNS`, from the JSON columns. */
export const LOG_VALUES = LOG_COLUMNS.replace('operation', 'operation::"char"');

/** Returns the same log row that a trigger would write. */
export function rowsForMessage(
  table: ReplicatedTable,
  message: Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete,
): LogRow[] {
  switch (message.tag) {
    case 'insert':
      return [logRow(table, 'i', message.new)];
    case 'delete':
      return [deletion(table, (message.old ?? message.key) as Tuple)];
    case 'update':
      return rowsForUpdate(table, message.old ?? message.key ?? message.new, message.new);
  }
}

/** A changed key is logged as a delete and an insert. Soft deletes and their undoing are distinguished from other updates. */
function rowsForUpdate(table: ReplicatedTable, before: Tuple, after: Tuple): LogRow[] {
  if (table.identity.some((column) => before[column] !== after[column]))
    return [deletion(table, before), logRow(table, 'i', after)];
  const [was, is] = [before['deleted_at'] ?? null, after['deleted_at'] ?? null];
  if (was === null && is !== null) return [logRow(table, 's', after)];
  return [logRow(table, was !== null && is === null ? 'r' : 'u', after)];
}

export const rowsForTruncate = (table: ReplicatedTable, tuples: readonly Tuple[]): LogRow[] =>
  tuples.map((tuple) => deletion(table, tuple));

/** The deletion of a row that was soft-deleted has its own code. */
const deletion = (table: ReplicatedTable, before: Tuple): LogRow =>
  logRow(table, (before['deleted_at'] ?? null) === null ? 'd' : 'p', before);

const logRow = (table: ReplicatedTable, operation: string, tuple: Tuple): LogRow => ({
  table_name: table.tableName,
  operation,
  key: table.key.map((column) => tuple[column]),
  org_id: tuple['org_id'] ?? null,
  instance_id: tuple['instance_id'] ?? null,
  revision: tuple['revision'] ?? null,
  record: table.carriesRecord ? tuple : null,
});
