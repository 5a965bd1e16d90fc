import type { Realization, Rollout } from '@intendant/realization';
import type { Progress } from '../../output/progress.ts';
import type { Cli } from '../../run/cli.ts';

/** Shows the progress of a rollout until it is finished. This process does part of the work, in case no other process runs. */
export async function followRollout(
  { io }: Cli,
  realization: Realization,
  rollout: Rollout,
  progress: Progress,
): Promise<void> {
  realization.maintenance.start();
  try {
    await rollout.finished({
      timeoutMs: Number.POSITIVE_INFINITY,
      signal: io.signal,
      onProgress: ({ done, total }) => progress.show(done, total),
    });
  } finally {
    progress.end();
  }
}
