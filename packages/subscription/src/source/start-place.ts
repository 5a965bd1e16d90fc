import { ConfigurationError } from '@intendant/core';
import type pg from 'pg';
import { LOOK } from '../log/settled.ts';
import { type Position, readPosition } from '../position.ts';
import { serviceQuery } from '../service-query.ts';
import type { Feed } from './feed.ts';

/**
 * Returns the place at which a subscription begins. `now` is exact if no writer is open. Otherwise it is early enough
 * for the oldest open writer, so a few earlier changes may be delivered too, and none is missed.
 */
export async function startPlace(feed: Feed, from: 'now' | 'beginning' | Position): Promise<number> {
  if (from === 'now') await feed.catchUp?.();
  const look = await feed.internals.inServiceTransaction((client) => client.query(LOOK));
  const [sequence, holders] = look as unknown as pg.QueryResult<{ noted: string }>[];
  const last = Number(sequence?.rows[0]?.noted);
  if (from === 'now') return holders?.rowCount === 0 ? last : Math.min(last, Math.max(feed.horizon.settled, 0));
  if (from === 'beginning') return readTrimmed(feed);
  const place = readPosition(feed.horizon.logId, from);
  if (place > last) {
    throw new ConfigurationError(
      'the position lies in the future of this log: was the database restored from a backup? Start from now, and list again',
      { details: { position: from } },
    );
  }
  return place;
}

async function readTrimmed(feed: Feed): Promise<number> {
  const { rows } = await serviceQuery<{ trimmed: string }>(
    feed.internals,
    'select trimmed_seq as trimmed from intendant.change_log_identity',
  );
  return Number(rows[0]?.trimmed);
}
