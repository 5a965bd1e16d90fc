import { arrayLiteral, type DataStoreInternals, describeThrown, type RegisteredTable } from '@intendant/core/internal';
import type { Change } from '../change.ts';
import type { DeliveryItem } from '../delivery/delivery-item.ts';
import { type LogEntry, type NumberedChange, toChangeAsText, toNumberedChange } from '../log/log-entry.ts';
import { isLog } from '../log/timeline.ts';
import type { Position } from '../position.ts';
import { serviceQuery } from '../service-query.ts';
import type { NameInLog } from './slots.ts';

/** A change whose handler failed in the last attempt. It is stored, to be replayed or discarded. */
export interface DeadLetter {
  /** The durable name that it belongs to. */
  readonly name: string;
  /** The change's position. It identifies the dead letter within the subscription. */
  readonly position: Position;
  /** If this store has not registered the table, the key's fields are called `key1`, `key2`, …, and there is no record. */
  readonly change: Change;
  /** Number of failed calls of the handler. */
  readonly attempts: number;
  /** The last failure's message. */
  readonly error: string;
  /** The time of the last attempt, by the clock of the database. */
  readonly failedAt: Date;
  /** True from `replayDeadLetters` until the next attempt. */
  readonly isDue: boolean;
}

const MAX_ERROR_LENGTH = 2_000;

/**
 * Returns false, and stores nothing, if this member no longer owns the change's slot, or the log was replaced: the new
 * owner handles the change.
 */
export async function parkDeadLetter(
  internals: DataStoreInternals,
  { name, log }: NameInLog,
  { numbered: { sequence, entry }, share }: DeliveryItem,
  error: unknown,
  attempts: number,
): Promise<boolean> {
  if (!log) return false;
  const { rowCount } = await serviceQuery(
    internals,
    `insert into intendant.dead_letter
       (name, seq, slot, table_name, operation, key, org_id, instance_id, revision, record, occurred_at, attempts, error)
     select $1, $2, $3, $4, $5::text::"char", $6::text[], $7, $8, $9, $10::jsonb, $11, $12, $13
     where exists (select from intendant.cursor where name = $1 and slot = $3 and epoch = $14)
       and ${isLog('$15', '$16')}
     on conflict (name, seq) do update
     set attempts = dead_letter.attempts + excluded.attempts, error = excluded.error, failed_at = excluded.failed_at, is_due = false`,
    [
      name,
      sequence,
      share.slot,
      entry.tableName,
      entry.operation,
      entry.key,
      entry.orgId,
      entry.instanceId,
      entry.revision,
      entry.record,
      entry.occurredAt,
      attempts,
      describeThrown(error, MAX_ERROR_LENGTH),
      share.epoch,
      log.logId,
      log.timeline,
    ],
  );
  return rowCount === 1;
}

export const dropDeadLetter = async (internals: DataStoreInternals, name: string, sequence: number): Promise<void> =>
  void (await serviceQuery(internals, 'delete from intendant.dead_letter where name = $1 and seq = $2', [
    name,
    sequence,
  ]));

/** Ends the replay of a dead letter that cannot be decoded. */
export const parkUndecoded = async (internals: DataStoreInternals, name: string, sequence: number): Promise<void> =>
  void (await serviceQuery(
    internals,
    `update intendant.dead_letter set is_due = false, error = 'the stored change cannot be decoded with the table as it is registered now',
       failed_at = clock_timestamp() where name = $1 and seq = $2`,
    [name, sequence],
  ));

interface LetterRow {
  readonly name: string;
  readonly seq: string;
  readonly slot: number;
  readonly table_name: string;
  readonly operation: string;
  readonly key: string[];
  readonly org_id: string | null;
  readonly instance_id: string | null;
  readonly revision: string | null;
  readonly record: string | null;
  readonly occurred_at: Date;
  readonly attempts: number;
  readonly error: string;
  readonly failed_at: Date;
  readonly is_due: boolean;
}

const SELECT = `select name, seq, slot, table_name, operation::text as operation, key, org_id, instance_id, revision, record::text as record,
  occurred_at, attempts, error, failed_at, is_due from intendant.dead_letter`;

const toEntry = (row: LetterRow): LogEntry => ({
  sequence: Number(row.seq),
  tableName: row.table_name,
  operation: row.operation,
  key: row.key,
  orgId: row.org_id,
  instanceId: row.instance_id,
  revision: row.revision,
  record: row.record,
  occurredAt: row.occurred_at,
  traceparent: null,
});

/** Returns the dead letters of these slots that are to be retried. */
export async function readDueLetters(
  internals: DataStoreInternals,
  logId: string,
  name: string,
  table: RegisteredTable,
  slots: readonly number[],
): Promise<{ slot: number; numbered: NumberedChange }[]> {
  const { rows } = await serviceQuery<LetterRow>(
    internals,
    `${SELECT} where name = $1 and is_due and slot = any($2::int[]) order by seq limit 100`,
    [name, slots],
  );
  return rows.map((row) => ({ slot: row.slot, numbered: toNumberedChange(logId, table, toEntry(row)) }));
}

/** Selects the dead letters to list. Undefined fields match all. */
export interface LetterSelection {
  readonly name: string | undefined;
  readonly loggedTable: string | undefined;
  readonly numbers: readonly number[] | undefined;
  readonly after: { readonly name: string; readonly number: number } | undefined;
  readonly limit: number;
}

/** Ordered by name, and oldest first within a name. */
export async function listDeadLetters(
  internals: DataStoreInternals,
  logId: string,
  tableOf: (loggedName: string) => RegisteredTable | undefined,
  { name, loggedTable, numbers, after, limit }: LetterSelection,
): Promise<DeadLetter[]> {
  const { rows } = await serviceQuery<LetterRow>(
    internals,
    `${SELECT}
     where ($1::text is null or name = $1) and ($2::text is null or table_name = $2) and ($3::bigint[] is null or seq = any($3))
       and ($4::text is null or (name, seq) > ($4, $5::bigint))
     order by name, seq limit $6`,
    [
      name ?? null,
      loggedTable ?? null,
      numbers ? arrayLiteral(numbers.map(String)) : null,
      after?.name ?? null,
      after?.number ?? null,
      limit,
    ],
  );
  return rows.map((row) => toDeadLetter(logId, tableOf(row.table_name), row));
}

function toDeadLetter(logId: string, table: RegisteredTable | undefined, row: LetterRow): DeadLetter {
  const entry = toEntry(row);
  const change = table ? toNumberedChange(logId, table, entry).change : toChangeAsText(logId, entry);
  return {
    name: row.name,
    position: change.position,
    change,
    attempts: row.attempts,
    error: row.error,
    failedAt: row.failed_at,
    isDue: row.is_due,
  };
}

/** Deletes or marks all dead letters of a name, or those with these numbers. Returns their number. */
export async function markDue(
  internals: DataStoreInternals,
  name: string,
  numbers: readonly number[] | undefined,
): Promise<number> {
  const { rowCount } = await serviceQuery(
    internals,
    'update intendant.dead_letter set is_due = true where name = $1 and ($2::bigint[] is null or seq = any($2))',
    [name, numbers ?? null],
  );
  return rowCount ?? 0;
}

export async function discardDeadLetters(
  internals: DataStoreInternals,
  name: string,
  numbers: readonly number[] | undefined,
): Promise<number> {
  const { rowCount } = await serviceQuery(
    internals,
    'delete from intendant.dead_letter where name = $1 and ($2::bigint[] is null or seq = any($2))',
    [name, numbers ?? null],
  );
  return rowCount ?? 0;
}
