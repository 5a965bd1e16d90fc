import { ConfigurationError, ConnectionError } from '@intendant/core';
import { pause } from '@intendant/core/internal';
import type pg from 'pg';
import { FLUSH } from '../log/flush.ts';
import { LOG_CHECK_SQL } from '../log/settled.ts';
import { IS_LOST, isSameLog, TIMELINE } from '../log/timeline.ts';
import { type Position, readPosition } from '../position.ts';
import type { Feed } from './feed.ts';

const RETRY_MS = 50;
const GIVE_UP_AFTER_MS = 15_000;

/** Where to begin, in one generation of the horizon. */
export interface StartPlace {
  readonly sequence: number;
  readonly generation: number;
}

/** What the database's log contains now. */
interface LogState {
  readonly logId: string;
  readonly timeline: string;
  readonly trimmed: string;
  /** Whether the end of the write-ahead log is not on disk yet. */
  readonly isUnflushed: boolean;
}

const STATE = `select id as "logId", trimmed_seq as trimmed, ${TIMELINE} as timeline,
  pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn() as "isUnflushed" from intendant.change_log_identity`;

/**
 * Returns the place at which a subscription begins. `now` is exact if no writer is open. Otherwise it is early enough
 * for the oldest open writer, so a few earlier changes may be delivered too, and none is missed. After a failover, it
 * waits until the relay has announced the log of the new server. Throws ConnectionError if that takes too long.
 */
export async function startPlace(feed: Feed, from: 'now' | 'beginning' | Position): Promise<StartPlace> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    const { generation } = feed.horizon;
    const sequence = await placeInLog(feed, from);
    if (sequence !== undefined && generation === feed.horizon.generation) return { sequence, generation };
    if (performance.now() >= giveUpAt)
      throw new ConnectionError('subscribe: no relay has announced the log of this server; it may have been replaced');
    await pause(RETRY_MS);
  }
}

/** Undefined if the log that was announced is not the one of the database. */
async function placeInLog(feed: Feed, from: 'now' | 'beginning' | Position): Promise<number | undefined> {
  if (from === 'now') await feed.catchUp?.();
  return feed.internals.inServiceTransaction(async (client) => {
    const found = await client.query(`${STATE}; ${LOG_CHECK_SQL}`);
    const [states, sequence, holders] = found as unknown as pg.QueryResult[];
    const state = states?.rows[0] as LogState;
    if (!isSameLog(state, feed.horizon)) return undefined;
    if (from === 'beginning') return Number(state.trimmed);
    const last = Number(sequence?.rows[0]?.noted);
    if (from !== 'now') return placeOf(client, feed.horizon.logId, from, last);
    // After a crash, the server would use the last number again if its transaction was rolled back and is not on disk.
    if (state.isUnflushed) await client.query(`select ${FLUSH}`);
    return holders?.rowCount === 0 ? last : Math.min(last, Math.max(feed.horizon.settled, 0));
  });
}

async function placeOf(client: pg.ClientBase, logId: string, position: Position, last: number): Promise<number> {
  const place = readPosition(logId, position);
  if (place > last) {
    throw new ConfigurationError(
      'the position lies in the future of this log: was the database restored from a backup? Start from now, and list again',
      { details: { position } },
    );
  }
  const { rows } = await client.query<{ isLost: boolean }>(IS_LOST, [place]);
  if (!rows[0]?.isLost) return place;
  throw new ConfigurationError(
    'changes before the position may have been lost in a failover. Start from now, and list again',
    { details: { position } },
  );
}
