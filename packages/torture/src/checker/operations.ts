import type { HistoryEvent, OperationEvent, Outcome } from '../history/history-event.ts';
import { eventsOf, rowKey } from './checker.ts';

/** An operation from its invocation to its outcome. */
export interface OperationRun {
  readonly call: string;
  readonly name: OperationEvent['name'];
  readonly row: string;
  readonly invoked: OperationEvent;
  /** `unknown` also if the process was killed meanwhile. */
  readonly outcome: Outcome;
  /** When it had certainly ended; Infinity for an unknown outcome, because it may still happen. */
  readonly endedAt: number;
  /** The revision that it gave the row. */
  readonly revision: number | undefined;
}

/** All operations of a history, in the order of their invocations. */
export function operationsOf(history: readonly HistoryEvent[]): OperationRun[] {
  const events = eventsOf(history, 'operation');
  const outcomes = new Map(events.filter(({ phase }) => phase !== 'invoke').map((event) => [event.call, event]));
  return events.filter(({ phase }) => phase === 'invoke').map((invoked) => runOf(invoked, outcomes.get(invoked.call)));
}

function runOf(invoked: OperationEvent, ended: OperationEvent | undefined): OperationRun {
  const outcome = (ended?.phase ?? 'unknown') as Outcome;
  return {
    call: invoked.call,
    name: invoked.name,
    row: rowKey(invoked),
    invoked,
    outcome,
    endedAt: outcome === 'unknown' ? Number.POSITIVE_INFINITY : (ended as OperationEvent).at,
    revision: outcome === 'ok' && invoked.name !== 'mark' ? ended?.revision : undefined,
  };
}
