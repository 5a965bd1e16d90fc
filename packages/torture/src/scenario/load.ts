import { crashableServer } from '@intendant/devdb/testing';
import { type HistoryWriter, openHistory } from '../history/history-writer.ts';
import { type LoadedSystem, loadedSystem } from '../load/loaded-system.ts';
import { TASKS, type Task } from '../load/tasks.ts';
import { median } from '../median.ts';
import { type Random, randomFrom } from '../random.ts';
import type { Scenario } from './scenario.ts';

const SMALL = { tenants: 10, resources: 100 };
const LARGE_TENANTS = 10_000;
const ROUNDS = 9;
/** A task of one tenant may take this many times as long in the large database, and as long as this in any case. */
const MAX_TIMES = 4;
const FREE_MS = 50;
/** The limit of a task that reads all tenants' rows: the console's page must open within this time. */
const ALL_MS = 1_000;

/** The same tasks in turn in a small and in a large database. Large: 10,000 tenants with 100 resources each. */
export const load: Scenario = {
  name: 'load',
  about: 'measures 10,000 tenants with 1,000,000 resources against 10 with 1,000 (runs only with --only load)',
  weight: 0,
  run: async (run) => {
    await using resources = new AsyncDisposableStack();
    const history = openHistory(run.history);
    resources.defer(() => history.close());
    const server = resources.use(await crashableServer({ settings: { shared_buffers: '1GB', max_wal_size: '8GB' } }));
    const open = async (size: LoadedSystem['size']) => resources.use(await loadedSystem(server, size));
    const small = await open(SMALL);
    const large = await open({ tenants: Math.max(1, Math.round(LARGE_TENANTS * run.scale)), resources: 100 });
    run.onProgress(`filled: ${large.size.tenants * large.size.resources} resources`);
    const random = randomFrom(run.seed, 'load');
    for (const task of TASKS) {
      const [smallMs, largeMs] = await compare(task, small, large, random);
      report(history, task, smallMs, largeMs);
      run.onProgress(`${task.name}: ${smallMs.toFixed(1)} ms, in the large database ${largeMs.toFixed(1)} ms`);
    }
  },
};

/** The median times of a task in both databases. */
async function compare(
  task: Task,
  small: LoadedSystem,
  large: LoadedSystem,
  random: Random,
): Promise<readonly [number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, system] of [small, large].entries()) {
      const begunAt = performance.now();
      await task.run(system, random);
      times[index]?.push(performance.now() - begunAt);
    }
  return [median(times[0]) as number, median(times[1]) as number];
}

function report(history: HistoryWriter, { name, readsAll = false }: Task, smallMs: number, largeMs: number): void {
  const rounded = (value: number) => Math.round(value * 10) / 10;
  history.write({ kind: 'figure', name: `${name}, small`, value: rounded(smallMs), unit: 'ms' });
  const limit = readsAll ? ALL_MS : Math.max(FREE_MS, MAX_TIMES * smallMs);
  history.write({ kind: 'figure', name: `${name}, large`, value: rounded(largeMs), unit: 'ms', limit });
}
