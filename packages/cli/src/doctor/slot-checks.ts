import type { Check } from './examination.ts';
import type { Finding } from './finding.ts';

/** A replication slot, and the write-ahead log that the server keeps for it: null if it keeps none. */
export interface Slot {
  readonly name: string;
  readonly isActive: boolean;
  readonly held: string | null;
  readonly bytes: number | null;
  readonly status: string | null;
}

const HIGH_WAL_BYTES = 1024 ** 3;

/** Replication slots that keep the write-ahead log: of this database, of replicas, and of other databases if they keep much. */
export const SLOTS = `
  select slot_name as name, active as "isActive", wal_status as status,
    pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) as held,
    pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as bytes
  from pg_replication_slots
  where not temporary
    and (database = current_database()
      or database is null and restart_lsn is not null
      or pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > ${HIGH_WAL_BYTES})`;

export const checkSlots: Check = async ({ workspace }) => slotFindings(await workspace.query<Slot>(SLOTS));

/** The node is named in findings of another server than the connection's. */
export const slotFindings = (slots: readonly Slot[], node?: string): Finding[] =>
  slots
    .filter(({ isActive, bytes }) => !isActive || (bytes ?? 0) > HIGH_WAL_BYTES)
    .map(({ name, isActive, held, status }) => ({
      check: 'slot',
      severity: status === 'lost' || !isActive ? 'error' : 'warning',
      subject: `replication slot ${name}${node ? ` on ${node}` : ''}`,
      message: slotMessage(isActive, held, status),
      cure: slotCure(`select pg_drop_replication_slot('${name}')${node ? ` on ${node}` : ''}`, status),
    }));

function slotMessage(isActive: boolean, held: string | null, status: string | null): string {
  if (status === 'lost')
    return 'the server has removed write-ahead log that the slot still needed; its reader has lost changes';
  return isActive
    ? `its reader is ${held} behind; the server keeps that much of the write-ahead log`
    : `no process reads from it; the server keeps ${held} of the write-ahead log for it, until the disk is full`;
}

const slotCure = (removal: string, status: string | null): string =>
  status === 'lost'
    ? `Remove it with ${removal}, and start its reader again.`
    : `Start its reader; or, if it is no longer needed, ${removal}.`;
