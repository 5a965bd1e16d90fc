import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../history/history-writer.ts';
import { median } from '../median.ts';
import { plotSamples } from '../soak/plot.ts';
import { type Sample, SERIES, type Series, takeSample } from '../soak/sample.ts';
import { openWorld } from '../world/open-world.ts';
import { pause, type World } from '../world/world.ts';
import { finishRun } from './finish-run.ts';
import { readLogs } from './read-logs.ts';
import type { Scenario, ScenarioRun } from './scenario.ts';

const SAMPLES = 360;
/** In a shorter run caches are still filled, and tables have not reached their size. */
const JUDGED_FROM_MS = 10 * 60_000;
const PACE_MS = 200;
const RESOURCES = 100;
/** Differences below this are not growth, e.g. one more page or connection. */
const SMALL = 4;

/** Works for long at a rate that leaves the machine idle half of the time, and watches what it needs. */
export const soak: Scenario = {
  name: 'soak',
  about: 'breaks nothing, and plots memory, handles, connections, tables and indexes (runs only with --only soak)',
  weight: 0,
  unavailable: () => (process.platform === 'linux' ? undefined : 'memory of processes is read from /proc'),
  run: async (run) => {
    await using world = await openWorld(run, { paceMs: PACE_MS, resources: RESOURCES });
    const { cast, history } = world;
    await cast.start('maintenance', 1);
    await Promise.all([cast.start('worker', 2), cast.start('subscriber', 2), cast.start('service', 2)]);
    const samples = await takeSamples(world, run);
    writeFileSync(join(run.folder, 'soak.svg'), plotSamples(SERIES, samples));
    await finishRun(world);
    for (const series of SERIES) {
      const [before, after] = [medianOf(series, samples, 1), medianOf(series, samples, 3)];
      const isJudged = run.durationMs >= JUDGED_FROM_MS && series.mayGrowTo !== undefined;
      const figure = {
        kind: 'figure',
        name: `${series.name}, last quarter`,
        value: rounded(after),
        unit: series.unit,
      } as const;
      const limit = Math.max(before * (series.mayGrowTo ?? 0), before + SMALL);
      history.write({ ...figure, ...(isJudged && { limit: rounded(limit) }) });
    }
    run.onProgress(`plotted in ${join(run.folder, 'soak.svg')}`);
    readLogs(run, history);
  },
};

async function takeSamples(world: World, run: ScenarioRun): Promise<Sample[]> {
  const samples: Sample[] = [];
  const begunAt = monotonicMs();
  for (let count = 1; count <= SAMPLES; count++) {
    samples.push(await takeSample(world));
    world.progress.update();
    await pause(world, Math.max(0, begunAt + (run.durationMs * count) / SAMPLES - monotonicMs()));
  }
  return samples;
}

/** The median of a quarter of the run, counted from 0. */
function medianOf({ name }: Series, samples: readonly Sample[], quarter: number): number {
  const size = Math.ceil(samples.length / 4);
  return median(samples.slice(quarter * size, (quarter + 1) * size).map((sample) => sample.get(name) ?? 0)) ?? 0;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
