import type { HistoryEvent } from '../history/history-event.ts';
import { eventsOf } from './checker.ts';
import { operationsOf } from './operations.ts';

/** The figures of a history. */
export interface Figures {
  readonly events: number;
  readonly operations: Readonly<Record<string, number>>;
  readonly attempts: number;
  readonly deliveries: number;
  readonly snapshots: number;
  readonly answers: number;
  /** How often each fault was injected. */
  readonly faults: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, string>>;
  readonly slowestRecovery: { readonly fault: string; readonly ms: number } | undefined;
  readonly medianRecoveryMs: number | undefined;
  readonly others: readonly { readonly name: string; readonly value: number; readonly unit: string }[];
}

export function figuresOf(history: readonly HistoryEvent[]): Figures {
  const faults = eventsOf(history, 'fault');
  const recoveries = recoveriesOf(history).toSorted((a, b) => b.ms - a.ms);
  return {
    events: history.length,
    operations: countBy(operationsOf(history), ({ outcome }) => outcome),
    attempts: history.filter((event) => event.kind === 'attempt' && event.phase === 'invoke').length,
    deliveries: eventsOf(history, 'change').length,
    snapshots: eventsOf(history, 'snapshot').length,
    answers: eventsOf(history, 'answer').length,
    faults: countBy(
      faults.filter(({ phase }) => phase === 'end'),
      ({ fault }) => fault,
    ),
    skipped: Object.fromEntries(
      faults.filter(({ phase }) => phase === 'skipped').map(({ fault, note }) => [fault, note ?? '']),
    ),
    slowestRecovery: recoveries[0],
    medianRecoveryMs: recoveries[Math.floor(recoveries.length / 2)]?.ms,
    others: eventsOf(history, 'figure').map(({ name, value, unit }) => ({ name, value, unit })),
  };
}

/** Time from the end of each fault until everything acknowledged before is realized and delivered. */
function recoveriesOf(history: readonly HistoryEvent[]): { fault: string; ms: number }[] {
  const recoveries: { fault: string; ms: number }[] = [];
  let endedAt = 0;
  for (const { at, phase, fault } of eventsOf(history, 'fault')) {
    if (phase === 'end') endedAt = at;
    if (phase === 'recovered') recoveries.push({ fault, ms: Math.round(at - endedAt) });
  }
  return recoveries;
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(items, nameOf)]
      .map(([name, group]) => [name, group.length] as const)
      .toSorted(([a], [b]) => a.localeCompare(b)),
  );
}
