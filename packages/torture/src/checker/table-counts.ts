import type { ResourceState } from '../history/history-event.ts';
import { type Checker, eventsOf } from './checker.ts';

/** The counts that the system keeps by table, point and status equal the contents of the tables. */
export const tableCounts: Checker = {
  rule: 'counts equal the tables',
  *check(history) {
    const final = eventsOf(history, 'snapshot').findLast((snapshot) => snapshot.final);
    const counts = eventsOf(history, 'counts').at(-1);
    if (!final || !counts) return;
    const expected = countRows(final.resources);
    const counted = new Map(
      counts.counted.map(({ table, point, status, resources }) => [`${table} ${point} ${status}`, resources]),
    );
    for (const key of new Set([...expected.keys(), ...counted.keys()]))
      if ((expected.get(key) ?? 0) !== (counted.get(key) ?? 0))
        yield {
          at: counts.at,
          text: `${key}: ${counted.get(key) ?? 0} are counted, the tables hold ${expected.get(key) ?? 0}`,
        };
  },
};

function countRows(resources: readonly ResourceState[]): Map<string, number> {
  const expected = new Map<string, number>();
  const add = (key: string) => expected.set(key, (expected.get(key) ?? 0) + 1);
  for (const { table, overall, points } of resources) {
    if (overall !== null) add(`${table}  ${overall}`);
    for (const { point, status } of points) add(`${table} ${point} ${status}`);
  }
  return expected;
}
