import { setTimeout as delay } from 'node:timers/promises';
import type { Realization, StatusCounts } from '@intendant/realization';
import type { Progress } from '../../output/progress.ts';
import type { Cli } from '../../run/cli.ts';

const POLL_MS = 500;

/** Shows how many resources of a removed point are not unrealized yet, until there are none. */
export async function followRemoval(
  { io }: Cli,
  realization: Realization,
  id: string,
  progress: Progress,
): Promise<void> {
  const total = await leftAt(realization, id);
  try {
    for (let left = total; left > 0; left = await leftAt(realization, id)) {
      progress.show(total - left, total);
      await delay(POLL_MS, undefined, { signal: io.signal });
    }
  } finally {
    progress.end();
  }
}

async function leftAt(realization: Realization, id: string): Promise<number> {
  const counts = (await realization.summary()).map(({ points }) => points.get(id) ?? {});
  return counts.reduce((sum, table) => sum + leftOf(table), 0);
}

/** How many of these resources are not unrealized. */
export const leftOf = (counts: StatusCounts): number =>
  Object.entries(counts).reduce((sum, [status, count]) => (status === 'DELETION_REALIZED' ? sum : sum + count), 0);
