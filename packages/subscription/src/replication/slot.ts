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

/**
 * Finds the slot, or creates it, and ends a process that still reads from it. If the log was filled from a slot that no
 * longer exists (a failover, a slot that fell too far behind), changes are missing. Then the log counts as trimmed, and
 * every subscriber receives a reset.
 */
export async function openSlot(client: pg.ClientBase, logger: Logger): Promise<OpenSlot> {
  const { rows } = await client.query<{ database: string; lsn: string | null }>(
    'select current_database() as database, replicated_lsn::text as lsn from intendant.change_log_identity',
  );
  const { database, lsn } = rows[0] as { database: string; lsn: string | null };
  const name = slotName(database);
  const slot = await client.query<{ isLost: boolean; pid: number | null }>(
    `select coalesce(wal_status = 'lost', false) as "isLost", active_pid as pid from pg_replication_slots where slot_name = $1`,
    [name],
  );
  if (slot.rows[0]?.pid) await client.query('select pg_terminate_backend($1, 5000)', [slot.rows[0].pid]);
  if (slot.rows[0] && !slot.rows[0].isLost && lsn !== null) return { name, lsn };
  if (slot.rows[0]) await client.query('select pg_drop_replication_slot($1)', [name]);
  return { name, lsn: await makeSlot(client, name, lsn !== null, logger) };
}

async function makeSlot(client: pg.ClientBase, name: string, isReplacement: boolean, logger: Logger): Promise<string> {
  const create = {
    text: `select lsn::text as lsn from pg_create_logical_replication_slot($1, 'pgoutput')`,
    values: [name],
    query_timeout: CREATE_TIMEOUT_MS,
  };
  const { rows } = await client.query<{ lsn: string }>(create);
  const { lsn } = rows[0] as { lsn: string };
  await client.query(
    `update intendant.change_log_identity
     set replicated_lsn = $1::pg_lsn, trimmed_seq = case when $2 then nextval('intendant.change_seq') else trimmed_seq end`,
    [lsn, isReplacement],
  );
  if (isReplacement) logger.warn('the replication slot was lost, and changes with it: all subscribers are reset');
  return lsn;
}
