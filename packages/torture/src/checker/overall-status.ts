import type { ResourceState } from '../history/history-event.ts';
import { type Checker, eventsOf, rowKey } from './checker.ts';

const DELETION_REALIZED = 100;
const REALIZED = 200;
const DELETION_PENDING = 400;
const PENDING = 800;
/** Statuses of a point from which the resource is being removed. */
const LEAVING: ReadonlySet<number> = new Set([DELETION_REALIZED, 300, DELETION_PENDING]);

/**
 * In every snapshot the overall status is the heaviest of the points' statuses, and all rows of a resource have the
 * same revision.
 */
export const overallStatus: Checker = {
  rule: 'the overall status is correct in every snapshot',
  *check(history) {
    for (const { at, resources } of eventsOf(history, 'snapshot')) {
      for (const state of resources) {
        const problem = problemOf(state);
        if (problem !== undefined) yield { at, text: `${rowKey(state)}: ${problem} in ${JSON.stringify(state)}` };
      }
    }
  },
};

function problemOf(state: ResourceState): string | undefined {
  if (state.overall === null) return state.points.length > 0 ? 'there are points and no overall status' : undefined;
  const revision = state.revision ?? state.overallRevision;
  if (state.overallRevision !== revision) return 'resource and overall status have different revisions';
  if (state.points.some((point) => point.revision !== revision)) return 'a point has another revision';
  const expected = expectedOverall(state);
  return expected.includes(state.overall) ? undefined : `the overall status must be ${expected.join(' or ')}`;
}

function expectedOverall(state: ResourceState): number[] {
  const isLive = state.revision !== null && !state.deleted;
  const statuses = state.points.map(({ status }) => status);
  const staying = isLive ? statuses.filter((status) => !LEAVING.has(status)) : statuses;
  if (staying.length > 0) return [Math.max(...staying)];
  if (!isLive) return [state.revision === null ? DELETION_REALIZED : DELETION_PENDING];
  // Without points the status is PENDING, or the heaviest while something is still being removed, else REALIZED.
  const isLeaving = statuses.some((status) => status !== DELETION_REALIZED);
  return [PENDING, isLeaving ? Math.max(...statuses) : REALIZED];
}
