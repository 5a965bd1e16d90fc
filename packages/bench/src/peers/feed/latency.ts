import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { figureOf } from '../../contestant/load.ts';
import { quantile } from '../../statistics.ts';
import { figuresOf } from '../median-of.ts';

/** Inserts a row of this id, and answers when its handler was called. */
export type Probe = (id: string) => Promise<number>;

let count = 0;

/** From the call of insert to the call of the handler, since the answer to the insert may come after it; median, or 99th percentile. */
export async function latencyFigure({ operation, size }: Workload, probe: Probe): Promise<Measurement> {
  const figures = await figuresOf(size, async () => {
    const startedAt = performance.now();
    return (await probe(`latency-${process.pid}-${count++}`)) - startedAt;
  });
  return figureOf(quantile(figures, operation === 'latency-p99' ? 0.99 : 0.5));
}
