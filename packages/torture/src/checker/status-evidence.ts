import type { ChangeEvent, HistoryEvent } from '../history/history-event.ts';
import { type Checker, eventsOf, type Found, rowKey } from './checker.ts';
import { followedRows } from './followers.ts';

const DELETION_REALIZED = 100;
const REALIZED = 200;
const LEAVING: ReadonlySet<number> = new Set([DELETION_REALIZED, 300, 400]);

/**
 * Checks the feed's changes of points that workers serve: REALIZED and DELETION_REALIZED come only after a successful
 * attempt for that revision; and a realized revision is never marked again, nor an older one after a newer one. So a
 * process that continues long after its lease has expired overwrites nothing.
 */
export const statusEvidence: Checker = {
  rule: 'a status follows from attempts, and a late worker overwrites nothing',
  *check(history) {
    const succeeded = successes(history);
    for (const { changes } of followedRows(history)) {
      if (changes[0]?.point === undefined || !succeeded.points.has(changes[0].point)) continue;
      yield* withoutEvidence(changes, succeeded.at);
      yield* overwritten(changes);
    }
  },
};

function successes(history: readonly HistoryEvent[]): { at: Map<string, number>; points: Set<string> } {
  const at = new Map<string, number>();
  const points = new Set<string>();
  for (const attempt of eventsOf(history, 'attempt')) {
    points.add(attempt.point);
    const key = evidenceKey(rowKey(attempt), attempt.point, attempt.revision, attempt.removal);
    if (attempt.phase === 'ok' && !at.has(key)) at.set(key, attempt.at);
  }
  return { at, points };
}

const evidenceKey = (row: string, point: string, revision: number, removal: boolean): string =>
  `${row} at ${point}, revision ${revision}${removal ? ', removed' : ''}`;

function* withoutEvidence(changes: readonly ChangeEvent[], succeededAt: ReadonlyMap<string, number>): Generator<Found> {
  for (const change of changes) {
    const isDone = change.status === REALIZED || change.status === DELETION_REALIZED;
    if (!isDone || change.operation === 'delete') continue;
    const key = evidenceKey(rowKey(change), change.point as string, change.revision ?? 0, change.status !== REALIZED);
    if ((succeededAt.get(key) ?? Number.POSITIVE_INFINITY) > change.at)
      yield { at: change.at, text: `status ${change.status} without a successful attempt: ${key}` };
  }
}

function* overwritten(changes: readonly ChangeEvent[]): Generator<Found> {
  for (let index = 1; index < changes.length; index++) {
    const [before, after] = [changes[index - 1] as ChangeEvent, changes[index] as ChangeEvent];
    if (before.operation === 'delete' || after.operation === 'delete') continue;
    const place = `${rowKey(after)} at ${after.point}`;
    if ((after.revision ?? 0) < (before.revision ?? 0))
      yield { at: after.at, text: `${place}: revision ${after.revision} was marked after ${before.revision}` };
    const isAgain = before.status === REALIZED && after.revision === before.revision;
    if (isAgain && after.status !== REALIZED && !LEAVING.has(after.status as number))
      yield { at: after.at, text: `${place}: status ${after.status} overwrote REALIZED of revision ${after.revision}` };
  }
}
