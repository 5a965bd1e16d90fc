import { type RegisteredTable, readRow } from '@intendant/core/internal';
import type { Change, Operation } from '../change.ts';
import { formatPosition } from '../position.ts';
import { FEED_END } from './feed-end.ts';
import { withExtras } from './record-extras.ts';
import { identityOf } from './slot.ts';

/** A change as stored in the log, with values as text. */
export interface LogEntry {
  readonly sequence: number;
  readonly tableName: string;
  readonly operation: string;
  readonly key: readonly string[];
  readonly orgId: string | null;
  readonly instanceId: string | null;
  readonly revision: string | null;
  /** JSON: an object of column names and values as text. */
  readonly record: string | null;
  readonly occurredAt: Date;
  /** The trace that it was written in; null where there is none. */
  readonly traceparent: string | null;
}

/** A change, with what delivery needs in addition. */
export interface NumberedChange {
  readonly sequence: number;
  /** Identity of the changed row; equal for all changes of one row. */
  readonly identity: string;
  readonly entry: LogEntry;
  /** If `decodeError` is set, the change has no record, and the fields of its key are text. */
  readonly change: Change;
  /** Why the table's formats cannot decode the entry. Such a change is not delivered. */
  readonly decodeError?: unknown;
  /** This is no change: from here on, changes of the table are missing from the log. See feed-end.ts. */
  readonly isFeedEnd?: true;
}

const OPERATIONS: Readonly<Record<string, { operation: Operation; isSoft: boolean; isPurge?: boolean }>> = {
  i: { operation: 'insert', isSoft: false },
  r: { operation: 'insert', isSoft: true },
  u: { operation: 'update', isSoft: false },
  d: { operation: 'delete', isSoft: false },
  p: { operation: 'delete', isSoft: false, isPurge: true },
  s: { operation: 'delete', isSoft: true },
};

/** Such an entry is not delivered. */
const NO_CHANGE = { operation: 'delete', isSoft: false, isPurge: false } as const;

/** The codes of these operations in the log. */
export const codesOf = (operations: readonly Operation[]): string[] =>
  Object.entries(OPERATIONS)
    .filter(([, { operation }]) => operations.includes(operation))
    .map(([code]) => code);

export function toNumberedChange(logId: string, table: RegisteredTable, entry: LogEntry): NumberedChange {
  const { sequence, orgId, instanceId, key } = entry;
  const numbered = { sequence, identity: identityOf(orgId, instanceId, key), entry };
  if (entry.operation === FEED_END)
    return { ...numbered, change: toChangeAsText(logId, entry, table), isFeedEnd: true };
  try {
    return { ...numbered, change: toChange(logId, table, entry) };
  } catch (decodeError) {
    return { ...numbered, change: toChangeAsText(logId, entry, table), decodeError };
  }
}

/**
 * A change without its record, and with the key's fields as text: of a table that this process does not know (its fields
 * are then numbered), or of an entry that cannot be decoded.
 */
export const toChangeAsText = (logId: string, entry: LogEntry, table?: RegisteredTable): Change =>
  Object.freeze({
    ...commonPart(logId, entry),
    table: table?.name ?? entry.tableName,
    key: Object.freeze(
      Object.fromEntries(entry.key.map((value, index) => [table?.key[index]?.field ?? `key${index + 1}`, value])),
    ),
  });

/** Frozen: all subscribers of the process receive the same object. */
const toChange = (logId: string, table: RegisteredTable, entry: LogEntry): Change =>
  Object.freeze({
    ...commonPart(logId, entry),
    table: table.name,
    key: Object.freeze(readKey(table, entry.key)),
    ...(entry.record !== null && {
      record: Object.freeze(withExtras(table.definition, readRecord(table, entry.record))),
    }),
  });

function commonPart(logId: string, entry: LogEntry): Omit<Change, 'table' | 'key' | 'record'> {
  const { operation, isSoft, isPurge = false } = OPERATIONS[entry.operation] ?? NO_CHANGE;
  return {
    operation,
    isSoft,
    isPurge,
    orgId: entry.orgId,
    instanceId: entry.instanceId,
    revision: entry.revision === null ? null : Number(entry.revision),
    position: formatPosition(logId, entry.sequence),
    occurredAt: entry.occurredAt,
  };
}

function readKey(table: RegisteredTable, key: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [index, { field, format }] of table.key.entries()) fields[field] = format.decode(key[index] as string);
  return fields;
}

function readRecord(table: RegisteredTable, text: string): Record<string, unknown> {
  const values = JSON.parse(text) as Record<string, string | null>;
  return readRow(
    table,
    table.columns.map(({ name }) => values[name] ?? null),
  );
}
