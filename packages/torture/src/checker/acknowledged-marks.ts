import { type Checker, eventsOf, rowKey } from './checker.ts';
import { type OperationRun, operationsOf } from './operations.ts';

/**
 * The last acknowledged mark at a point is in the table at the end, if the resource still has the mark's revision.
 * Marks that another mark may have overtaken are ignored.
 */
export const acknowledgedMarks: Checker = {
  rule: 'no acknowledged mark is lost',
  *check(history) {
    const final = eventsOf(history, 'snapshot').findLast((snapshot) => snapshot.final);
    if (!final) return;
    const states = new Map(final.resources.map((state) => [rowKey(state), state]));
    const marks = operationsOf(history).filter(({ name, outcome }) => name === 'mark' && outcome !== 'failed');
    for (const runs of Map.groupBy(marks, placeOf).values()) {
      const last = lastMark(runs);
      const state = last && states.get(last.row);
      if (!last || state?.overallRevision !== last.invoked.revision) continue;
      const found = state?.points.find(({ point }) => point === last.invoked.points?.[0]);
      if (found?.status !== Number(last.invoked.status) || found.revision !== last.invoked.revision)
        yield {
          at: last.endedAt,
          text: `${placeOf(last)}: status ${last.invoked.status} at revision ${last.invoked.revision} was acknowledged to ${last.call}; the table has ${JSON.stringify(found)}`,
        };
    }
  },
};

const placeOf = ({ row, invoked }: OperationRun): string => `${row} at ${invoked.points?.[0]}`;

/** The acknowledged mark that began after all others at its place had ended. */
function lastMark(runs: readonly OperationRun[]): OperationRun | undefined {
  const last = runs.at(-1);
  const isAlone = runs.slice(0, -1).every(({ endedAt }) => last !== undefined && endedAt < last.invoked.at);
  return last?.outcome === 'ok' && isAlone ? last : undefined;
}
