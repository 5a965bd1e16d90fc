import type { Checker, Found } from './checker.ts';
import { type OperationRun, operationsOf } from './operations.ts';

/** Checks acknowledged revisions against each other and against the order of time. */
export const revisions: Checker = {
  rule: 'revisions of a row increase, and none is used twice',
  *check(history) {
    const rows = Map.groupBy(operationsOf(history), ({ row }) => row);
    for (const [row, runs] of rows) yield* checkRow(row, runs);
  },
};

function* checkRow(row: string, runs: readonly OperationRun[]): Generator<Found> {
  const accepted = runs.filter(({ revision }) => revision !== undefined);
  const users = new Map<number, OperationRun>();
  for (const run of accepted) {
    const revision = run.revision as number;
    const other = users.get(revision);
    if (other)
      yield { at: run.endedAt, text: `${row}: revision ${revision} was given to ${other.call} and ${run.call}` };
    users.set(revision, run);
  }
  yield* checkOrder(row, accepted);
}

/** Everything acknowledged before an operation was invoked has a lower revision. */
function* checkOrder(row: string, accepted: readonly OperationRun[]): Generator<Found> {
  const byEnd = accepted.toSorted((a, b) => a.endedAt - b.endedAt);
  let next = 0;
  let acknowledged = 0;
  for (const run of accepted) {
    for (; (byEnd[next]?.endedAt ?? Number.POSITIVE_INFINITY) < run.invoked.at; next++)
      acknowledged = Math.max(acknowledged, byEnd[next]?.revision as number);
    if ((run.revision as number) <= acknowledged)
      yield {
        at: run.endedAt,
        text: `${row}: ${run.call} was given revision ${run.revision} after ${acknowledged} had been acknowledged`,
      };
  }
}
