import type { ChangeEvent, HistoryEvent, ResetEvent } from '../history/history-event.ts';
import { acknowledgedIntents } from './acknowledged-intents.ts';
import { acknowledgedMarks } from './acknowledged-marks.ts';
import { changeOrder, onlyWrittenChanges } from './change-order.ts';
import { type Checker, eventsOf, type Violation } from './checker.ts';
import { everythingRealized } from './everything-realized.ts';
import { type Figures, figuresOf } from './figures.ts';
import { foreignOwners, plantedSecrets } from './foreign-owners.ts';
import { overallStatus } from './overall-status.ts';
import { complaints, processesLive } from './processes-live.ts';
import { revisions } from './revisions.ts';
import { singleAttempt } from './single-attempt.ts';
import { statusEvidence } from './status-evidence.ts';
import { tableCounts } from './table-counts.ts';

/** The rules that every history is checked against. */
const CHECKERS: readonly Checker[] = [
  acknowledgedIntents,
  acknowledgedMarks,
  revisions,
  overallStatus,
  singleAttempt,
  statusEvidence,
  changeOrder,
  onlyWrittenChanges,
  everythingRealized,
  tableCounts,
  foreignOwners,
  plantedSecrets,
  processesLive,
  complaints,
];

/** The output of the checker program. */
export interface CheckResult {
  readonly figures: Figures;
  /** Number of violations by rule. */
  readonly rules: Readonly<Record<string, number>>;
  /** The first few of each rule. */
  readonly violations: readonly Violation[];
}

const SHOWN = 5;

/** Checks a history against every rule. */
export function checkHistory(events: readonly HistoryEvent[]): CheckResult {
  const history = events.toSorted((a, b) => a.at - b.at);
  const counting = sinceFailover(history);
  const found = CHECKERS.map((checker) => ({
    rule: checker.rule,
    violations: [...checker.check(checker.spansFailovers ? history : counting)],
  }));
  return {
    figures: figuresOf(history),
    rules: Object.fromEntries(found.map(({ rule, violations }) => [rule, violations.length])),
    violations: found.flatMap(({ rule, violations }) => violations.slice(0, SHOWN).map((one) => ({ rule, ...one }))),
  };
}

/**
 * The events after the last failover: earlier operations may be lost. Events of processes are kept, and so are attempts, because
 * a slow subscriber receives the status that an earlier attempt caused after the failover. A subscriber may receive lost
 * changes that it had read before, until it is told of the reset.
 */
function sinceFailover(history: readonly HistoryEvent[]): readonly HistoryEvent[] {
  const failover = history.findLast(({ kind }) => kind === 'failover');
  if (failover === undefined) return history;
  const calls = new Set<string>();
  const resets = firstResets(history, failover.at);
  return history.filter((event) => {
    if (event.at >= failover.at && 'call' in event && event.phase === 'invoke') calls.add(event.call);
    if (event.kind === 'attempt') return true;
    if ('call' in event) return calls.has(event.call);
    if (event.kind === 'change' && event.at < (resets.get(followerOf(event)) ?? 0)) return false;
    return event.at >= failover.at || event.kind === 'process';
  });
}

const followerOf = ({ pid, name }: ChangeEvent | ResetEvent): string => `${pid} ${name}`;

/** When each process was first told of a reset of each name after this time. */
function firstResets(history: readonly HistoryEvent[], from: number): ReadonlyMap<string, number> {
  const resets = eventsOf(history, 'reset').filter(({ at }) => at >= from);
  return new Map(resets.toReversed().map((reset) => [followerOf(reset), reset.at]));
}
