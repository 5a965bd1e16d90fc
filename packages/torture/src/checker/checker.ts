import type { HistoryEvent, Row } from '../history/history-event.ts';

/** An event in a history that must never happen. */
export interface Violation {
  readonly rule: string;
  readonly text: string;
  /** When it happened, by the history's clock. */
  readonly at?: number;
}

/** A violation as a checker returns it, without the rule. */
export type Found = Omit<Violation, 'rule'>;

/** One rule. It is checked by reading a history and nothing else. */
export interface Checker {
  /** The rule in words: what is true for every correct history. */
  readonly rule: string;
  /** Whether it must also hold for events before a failover. Default false. */
  readonly spansFailovers?: boolean;
  /** `history` is in the order of time. */
  check(history: readonly HistoryEvent[]): Iterable<Found>;
}

/** A text that identifies a row of a tenant, used as a key of maps. */
export const rowKey = ({ table, org, id }: Row): string => `${table} ${org} ${id}`;

/** The events of one kind. */
export function eventsOf<K extends HistoryEvent['kind']>(
  history: readonly HistoryEvent[],
  kind: K,
): Extract<HistoryEvent, { kind: K }>[] {
  return history.filter((event): event is Extract<HistoryEvent, { kind: K }> => event.kind === kind);
}
