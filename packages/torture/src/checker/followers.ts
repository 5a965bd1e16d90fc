import type { ChangeEvent, HistoryEvent } from '../history/history-event.ts';
import { eventsOf, rowKey } from './checker.ts';

/** The changes of one row that one durable name received: each once, in the order of first deliveries. */
export interface FollowedRow {
  readonly name: string;
  readonly row: string;
  readonly changes: readonly ChangeEvent[];
}

/** All rows of which each durable name received changes, without repeated deliveries of a change. */
export function followedRows(history: readonly HistoryEvent[]): FollowedRow[] {
  const groups = Map.groupBy(eventsOf(history, 'change'), (change) => `${change.name}\n${placeOf(change)}`);
  return [...groups.values()].map((changes) => {
    const [first] = changes as [ChangeEvent];
    return { name: first.name, row: placeOf(first), changes: firstDeliveries(changes) };
  });
}

/** A status table has one row per point. */
const placeOf = (change: ChangeEvent): string =>
  change.point === undefined ? rowKey(change) : `${rowKey(change)} ${change.point}`;

function firstDeliveries(changes: readonly ChangeEvent[]): ChangeEvent[] {
  const seen = new Set<string>();
  return changes.filter(({ position }) => !seen.has(position) && seen.add(position));
}

/** The durable names that received changes of a table's resources. */
export function namesFollowing(history: readonly HistoryEvent[], table: string): string[] {
  const changes = eventsOf(history, 'change').filter((change) => change.table === table && change.point === undefined);
  return [...new Set(changes.map(({ name }) => name))];
}

/** The names of subscriptions that are limited to a tenant's org end in `@` and the org. */
export const follows = (name: string, org: string): boolean => !name.includes('@') || name.endsWith(`@${org}`);
