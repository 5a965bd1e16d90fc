import { monotonicMs } from '../history/history-writer.ts';
import { residentMegabytes } from '../soak/sample.ts';
import { openWorld } from '../world/open-world.ts';
import { pause, type World, waitUntilNothingUnmet } from '../world/world.ts';
import { finishRun } from './finish-run.ts';
import { readLogs } from './read-logs.ts';
import type { Scenario } from './scenario.ts';

const EVERY_MS = 500;
const MEMORY_LIMIT_MB = 700;
/** More resources than the workers can realize while services write as fast as they can. */
const RESOURCES = 400;

export const overload: Scenario = {
  name: 'overload',
  about: 'services write more intents than workers can realize; then they stop, and workers finish the rest',
  weight: 0.5,
  unavailable: () => (process.platform === 'linux' ? undefined : 'memory of processes is read from /proc'),
  run: async (run) => {
    await using world = await openWorld(run, { paceMs: 0, resources: RESOURCES });
    const { cast, history, progress } = world;
    await cast.start('maintenance', 1);
    await Promise.all([cast.start('worker', 2), cast.start('subscriber', 2), cast.start('service', 2)]);
    const begunAt = monotonicMs();
    const peaks = await watchMemory(world, begunAt + run.durationMs);
    progress.update();
    const seconds = (monotonicMs() - begunAt) / 1_000;
    const stoppedAt = monotonicMs();
    await finishRun(world);
    await waitUntilNothingUnmet(world, stoppedAt, 0);
    const figure = (name: string, value: number, unit: string, limit?: number) =>
      history.write({ kind: 'figure', name, value: Math.round(value), unit, ...(limit !== undefined && { limit }) });
    figure('operations a second', progress.operations / seconds, 'operations/s');
    figure('attempts a second', progress.attempts / seconds, 'attempts/s');
    figure('time to finish after services stopped', (monotonicMs() - stoppedAt) / 1_000, 's');
    for (const [name, peak] of peaks) figure(`peak memory of a ${name}`, peak, 'MB', MEMORY_LIMIT_MB);
    readLogs(run, history);
  },
};

/** The largest memory use of a process of each role. */
async function watchMemory(world: World, untilMs: number): Promise<Map<string, number>> {
  const peaks = new Map<string, number>();
  while (monotonicMs() < untilMs) {
    await pause(world, EVERY_MS);
    for (const { role, pid } of world.cast.members())
      peaks.set(role, Math.max(peaks.get(role) ?? 0, residentMegabytes(pid)));
  }
  return peaks;
}
