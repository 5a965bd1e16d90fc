import type { Share } from '../delivery/share.ts';
import type { Feed } from '../source/feed.ts';
import { readAcknowledged } from './acknowledgement.ts';
import { readCursors } from './slots.ts';

/**
 * After the log was replaced, the database's cursors belong to the new log, and the places in memory to the old one.
 * Takes the shares back to their cursors, and fills the set with the numbers beyond them that are acknowledged. Rejects if
 * the log was replaced again.
 */
export async function returnToCursors(
  { internals, horizon }: Feed,
  name: string,
  shares: readonly Share[],
  acknowledged: Set<number>,
): Promise<void> {
  const { logId, timeline, settled } = horizon;
  const cursors = await readCursors(internals, { name, log: { logId, timeline } });
  const found = await readAcknowledged(internals, name, shares);
  acknowledged.clear();
  for (const sequence of found) acknowledged.add(sequence);
  for (const { slot, progress } of shares) progress.restart(Math.min(cursors[slot] ?? settled, settled));
}
