import type { ConsoleParts } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import type { ActionRun } from './action-runs.ts';

/** What draining a point would do, and a function that begins it. */
export interface Drain {
  /** Number of resources at the point, in all tables. */
  readonly matched: number;
  begin(owner: string): Promise<ActionRun>;
}

/** Throws a refusal with status 404 for a point that is not registered. */
export async function planDrain({ realization, runs }: ConsoleParts, point: string): Promise<Drain> {
  const points = await realization.points.list();
  if (!points.some(({ id }) => id === point)) throw new RefusedRequest(404, 'There is no point of this name.');
  const statuses = await realization.points.previewRemoval(point);
  const matched = [...statuses.values()]
    .flatMap((counts) => Object.values(counts))
    .reduce((sum, count) => sum + count, 0);
  return {
    matched,
    begin: async (owner) => {
      const rollout = await realization.points.remove(point);
      return runs.start({ action: 'drain', owner, total: matched }, async (progress) => {
        let reported = 0;
        await rollout.finished({
          onProgress: ({ done }) => {
            progress.advance(done - reported);
            reported = done;
          },
        });
      });
    },
  };
}
