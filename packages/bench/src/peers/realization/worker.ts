import { setTimeout as delay } from 'node:timers/promises';
import { type Intent, on, STATUS_WEIGHTS } from '@intendant/realization';
import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { megabytesResident } from '../../contestant/heap.ts';
import { figureOf, measured } from '../../contestant/load.ts';
import { eachOf } from '../each-of.ts';
import { CALLERS, forgetAll, POINT, persist, type Realizer, type ResourceTable } from './realizer.ts';

const CONCURRENCY = 64;

/** A started worker, which is stopped at the end of its scope. */
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

/** Time from the first intent until the database shows REALIZED for the last one, while the worker runs. */
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

/** Megabytes that this process uses while its worker is busy with jobs that another process stored. */
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

/** Memory with nothing to do. */
export async function idleWorker(realizer: Realizer, measure: () => Promise<Measurement>): Promise<Measurement> {
  await forgetAll(realizer);
  await using _worker = await startWorker(realizer, async () => {});
  return await measure();
}
