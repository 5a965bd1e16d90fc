import { setTimeout as delay } from 'node:timers/promises';
import { type Intent, on, STATUS_WEIGHTS } from '@intendant/realization';
import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { megabytesResident } from '../../contestant/heap.ts';
import { figureOf, measured } from '../../contestant/load.ts';
import { eachOf } from '../each-of.ts';
import { CALLERS, forgetAll, POINT, persist, type Realizer, type ResourceTable } from './realizer.ts';

const CONCURRENCY = 64;

/** Started, and stopped at the end of its scope. */
export async function startWorker(
  { realization, resource }: Realizer,
  handle: (intent: Intent<ResourceTable>) => Promise<void>,
): Promise<AsyncDisposable> {
  const worker = realization.worker({
    enforcementPoint: POINT,
    concurrency: CONCURRENCY,
    handlers: [on(resource, { realize: handle })],
  });
  await worker.start();
  return { [Symbol.asyncDispose]: () => worker.stop() };
}

/** From the first intent until the database says REALIZED for the last, with the worker running. */
export async function realize(realizer: Realizer, workload: Workload): Promise<Measurement> {
  await forgetAll(realizer);
  await using _worker = await startWorker(realizer, async () => {});
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await eachOf(workload.size, CALLERS, () => persist(realizer, workload));
  while (!(await isAllRealized(realizer, workload.size))) await delay(5);
  return measured(workload.size, startedAt, cpu);
}

async function isAllRealized({ admin, resource }: Realizer, expected: number): Promise<boolean> {
  const { rows } = await admin.query<{ realized: number }>({
    name: 'realized',
    text: `select count(*)::int as realized from overall_status_${resource.name} where realization_status = $1`,
    values: [STATUS_WEIGHTS.REALIZED],
  });
  return rows[0]?.realized === expected;
}

/** Megabytes this process holds while its worker is busy and jobs wait that another process left. */
export async function waitingJobsMemory(realizer: Realizer, { durationMs }: Workload): Promise<Measurement> {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const worker = await startWorker(realizer, () => {
    begun.resolve();
    return ended.promise;
  });
  await begun.promise;
  await delay(durationMs);
  const megabytes = megabytesResident();
  ended.resolve();
  await worker[Symbol.asyncDispose]();
  await forgetAll(realizer);
  return figureOf(megabytes);
}

/** With nothing to do. */
export async function idleWorker(realizer: Realizer, measure: () => Promise<Measurement>): Promise<Measurement> {
  await forgetAll(realizer);
  await using _worker = await startWorker(realizer, async () => {});
  return await measure();
}
