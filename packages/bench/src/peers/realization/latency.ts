import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { figureOf } from '../../contestant/load.ts';
import { medianAtRest } from '../median-of.ts';
import { forgetAll, persist, type Realizer, tenantSession } from './realizer.ts';
import { startWorker } from './worker.ts';

/** Milliseconds from the return of `persistIntent` to the call of the handler; 0 if the handler was called before. */
export async function handlerLatency(realizer: Realizer, workload: Workload): Promise<Measurement> {
  await forgetAll(realizer);
  const calledAt = new Map<string, number>();
  let onCall = () => {};
  await using _worker = await startWorker(realizer, async ({ record }) => {
    calledAt.set(record.id, performance.now());
    onCall();
  });
  const latency = async (): Promise<number> => {
    const called = new Promise<void>((resolve) => {
      onCall = resolve;
    });
    const { id } = await persist(realizer, workload);
    const committedAt = performance.now();
    await called;
    return Math.max(0, (calledAt.get(id) ?? Number.NaN) - committedAt);
  };
  return figureOf(await medianAtRest(workload.size, latency));
}

/** Milliseconds from the return of `persistIntent` until `waitFor` returns REALIZED. */
export async function realizedLatency(realizer: Realizer, workload: Workload): Promise<Measurement> {
  await forgetAll(realizer);
  await using _worker = await startWorker(realizer, async () => {});
  const latency = async (): Promise<number> => {
    const { id, tenant } = await persist(realizer, workload);
    const committedAt = performance.now();
    await tenantSession(realizer, tenant).waitFor(realizer.resource, id, { status: 'REALIZED' });
    return performance.now() - committedAt;
  };
  return figureOf(await medianAtRest(workload.size, latency));
}
