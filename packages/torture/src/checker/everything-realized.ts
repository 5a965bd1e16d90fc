import type { ResourceState } from '../history/history-event.ts';
import { type Checker, eventsOf, rowKey } from './checker.ts';

const DONE: ReadonlySet<number> = new Set([100, 200]);

/** After all faults and writes have ended, workers realize everything. */
export const everythingRealized: Checker = {
  rule: 'in the end everything is realized or removed',
  *check(history) {
    const final = eventsOf(history, 'snapshot').findLast((snapshot) => snapshot.final);
    const served = new Set(eventsOf(history, 'attempt').map(({ point }) => point));
    for (const state of final?.resources ?? [])
      for (const point of waiting(state, served))
        yield { at: final?.at ?? 0, text: `${rowKey(state)} is still ${point.status} at ${point.point}` };
  },
};

const waiting = ({ points }: ResourceState, served: ReadonlySet<string>) =>
  points.filter(({ point, status }) => served.has(point) && !DONE.has(status));
