import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { figureOf } from '../../contestant/load.ts';
import { quantile } from '../../statistics.ts';
import { figuresOf } from '../median-of.ts';

/** Inserts a row with this id, and returns the time when its handler was called. */
export type Probe = (id: string) => Promise<number>;

let count = 0;

/** Time from the call of `insert` to the call of the handler, which may come before `insert` returns: median or 99th percentile. */
export async function latencyFigure({ operation, size }: Workload, probe: Probe): Promise<Measurement> {
  const figures = await figuresOf(size, async () => {
    const startedAt = performance.now();
    return (await probe(`latency-${process.pid}-${count++}`)) - startedAt;
  });
  return figureOf(quantile(figures, operation === 'latency-p99' ? 0.99 : 0.5));
}
