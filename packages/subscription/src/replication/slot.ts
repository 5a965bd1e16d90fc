import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';

/** Slots belong to the whole server, so each database has its own slot name. */
const slotName = (database: string): string =>
  `intendant_${createHash('sha256').update(database).digest('hex').slice(0, 16)}`;

/** The creation waits for open transactions of the whole server, however long they take. */
const CREATE_TIMEOUT_MS = 2 ** 31 - 1;

export interface OpenSlot {
  readonly name: string;
  /** The position up to which the log was filled. */
  readonly lsn: string;
}

/** Where the position up to which the log was filled is stored. */
export interface StoredPlace {
  /** Null if the log was never filled from this server. */
  read(): Promise<string | null>;
  /** Stores where a new slot begins. With `isGap` changes are missing before it, and the log counts as trimmed. */
  begin(lsn: string, isGap: boolean): Promise<void>;
}

/**
 * Finds the slot, or creates it, and ends a process that still reads from it. If the log was filled from a slot that no
 * longer exists (a failover, a slot that fell too far behind), changes are missing. Then the log counts as trimmed, and
 * every subscriber receives a reset.
 */
export async function openSlot(client: pg.ClientBase, place: StoredPlace, logger: Logger): Promise<OpenSlot> {
  const lsn = await place.read();
  const name = await readSlotName(client);
  const slot = await client.query<{ isLost: boolean; pid: number | null }>(
    `select coalesce(wal_status = 'lost', false) as "isLost", active_pid as pid from pg_replication_slots where slot_name = $1`,
    [name],
  );
  if (slot.rows[0]?.pid) await client.query('select pg_terminate_backend($1, 5000)', [slot.rows[0].pid]);
  if (slot.rows[0] && !slot.rows[0].isLost && lsn !== null) return { name, lsn };
  if (slot.rows[0]) await client.query('select pg_drop_replication_slot($1)', [name]);
  const begins = await makeSlot(client, name);
  const isGap = lsn !== null;
  await place.begin(begins, isGap);
  if (isGap) logger.warn('the replication slot was lost, and changes with it: all subscribers are reset');
  return { name, lsn: begins };
}

/** The name of the slot of the client's database. */
async function readSlotName(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ database: string }>('select current_database() as database');
  return slotName(rows[0]?.database as string);
}

async function makeSlot(client: pg.ClientBase, name: string): Promise<string> {
  const create = {
    text: `select lsn::text as lsn from pg_create_logical_replication_slot($1, 'pgoutput')`,
    values: [name],
    query_timeout: CREATE_TIMEOUT_MS,
  };
  const { rows } = await client.query<{ lsn: string }>(create);
  return rows[0]?.lsn as string;
}

/** Ends a process that reads from the slot of the client's database, and drops it. */
export async function dropSlot(client: pg.ClientBase): Promise<void> {
  const name = await readSlotName(client);
  const { rows } = await client.query<{ pid: number | null }>(
    'select active_pid as pid from pg_replication_slots where slot_name = $1',
    [name],
  );
  if (rows[0]?.pid) await client.query('select pg_terminate_backend($1, 5000)', [rows[0].pid]);
  if (rows[0]) await client.query('select pg_drop_replication_slot($1)', [name]);
}
