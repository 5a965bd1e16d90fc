import type { HistoryEvent, Row } from '../history/history-event.ts';

/** Something in a history that must never be. */
export interface Violation {
  readonly rule: string;
  readonly text: string;
  /** When, in the history's clock. */
  readonly at?: number;
}

/** What a checker finds. */
export type Found = Omit<Violation, 'rule'>;

/** One rule, checked by reading a history and nothing else. */
export interface Checker {
  /** In words: what is true of every correct history. */
  readonly rule: string;
  /** True if it must hold of what happened before a failover too. Default false. */
  readonly spansFailovers?: boolean;
  /** `history` is in the order of time. */
  check(history: readonly HistoryEvent[]): Iterable<Found>;
}

/** One text for a row of a tenant, for use as a key of maps. */
export const rowKey = ({ table, org, id }: Row): string => `${table} ${org} ${id}`;

/** The events of one kind. */
export function eventsOf<K extends HistoryEvent['kind']>(
  history: readonly HistoryEvent[],
  kind: K,
): Extract<HistoryEvent, { kind: K }>[] {
  return history.filter((event): event is Extract<HistoryEvent, { kind: K }> => event.kind === kind);
}
