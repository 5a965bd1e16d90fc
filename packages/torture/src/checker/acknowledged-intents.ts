import type { HistoryEvent, ResourceState } from '../history/history-event.ts';
import { type Checker, eventsOf, type Found, rowKey } from './checker.ts';
import { followedRows, follows, namesFollowing } from './followers.ts';
import { type OperationRun, operationsOf } from './operations.ts';

/** Each acknowledged intent is in the table at the end, or was replaced; and each durable name received it. */
export const acknowledgedIntents: Checker = {
  rule: 'no acknowledged intent is lost',
  *check(history) {
    const runs = operationsOf(history);
    yield* missingInTables(history, runs);
    yield* missingInFeeds(history, runs.filter(isAcknowledgedIntent));
  },
};

const isAcknowledgedIntent = ({ name, outcome }: OperationRun): boolean => name === 'persistIntent' && outcome === 'ok';

function* missingInTables(history: readonly HistoryEvent[], runs: readonly OperationRun[]): Generator<Found> {
  const final = eventsOf(history, 'snapshot').findLast((snapshot) => snapshot.final);
  if (!final) return;
  const states = new Map(final.resources.map((state) => [rowKey(state), state]));
  const rows = Map.groupBy(runs, ({ row }) => row);
  for (const run of runs.filter(isAcknowledgedIntent)) {
    const problem = problemInTable(run, states.get(run.row), rows.get(run.row) ?? []);
    if (problem !== undefined) yield { at: run.endedAt, text: `${run.row}: ${run.call} ${problem}` };
  }
}

function problemInTable(
  run: OperationRun,
  state: ResourceState | undefined,
  all: readonly OperationRun[],
): string | undefined {
  const revision = state?.revision ?? undefined;
  if (revision === undefined) {
    const mayBeDeleted = all.some((other) => isRemoval(other) && other.endedAt > run.invoked.at);
    return mayBeDeleted ? undefined : 'was acknowledged, and the row is gone though nobody deleted it';
  }
  if (revision < (run.revision as number))
    return `was acknowledged at revision ${run.revision}; the table has ${revision}`;
  if (revision === run.revision && state?.value !== run.invoked.value)
    return `was acknowledged at revision ${revision}, where the table has another value: ${state?.value}`;
  return undefined;
}

const isRemoval = ({ name, outcome }: OperationRun): boolean => name === 'delete' && outcome !== 'failed';

function* missingInFeeds(history: readonly HistoryEvent[], intents: readonly OperationRun[]): Generator<Found> {
  const received = new Map(
    followedRows(history).map(({ name, row, changes }) => [
      `${name}\n${row}`,
      new Map(changes.map((change) => [change.revision, change.value])),
    ]),
  );
  for (const table of new Set(intents.map(({ invoked }) => invoked.table))) {
    for (const name of namesFollowing(history, table)) {
      for (const run of intents.filter(({ invoked }) => invoked.table === table && follows(name, invoked.org))) {
        const values = received.get(`${name}\n${run.row}`);
        if (values?.get(run.revision as number) !== run.invoked.value)
          yield { at: run.endedAt, text: `${run.row}: ${name} never received revision ${run.revision} of ${run.call}` };
      }
    }
  }
}
