import { abortable } from '@intendant/core/internal';
import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { figureOf } from '../../contestant/load.ts';
import { quantile } from '../../statistics.ts';
import { figuresOf } from '../median-of.ts';

/** A change that is not heard within this time is lost: the run fails, instead of waiting for ever. */
const LIMIT_MS = 60_000;

/** Inserts a row with this id, and returns the time when its handler was called. */
export type Probe = (id: string) => Promise<number>;

let count = 0;

/**
 * Time from the call of `insert` to the call of the handler, which may come before `insert` returns; median or 99th percentile.
 * If a change is not heard, the error contains what `describe` returns.
 */
export async function latencyFigure(
  { operation, size }: Workload,
  probe: Probe,
  describe: () => unknown = () => '',
): Promise<Measurement> {
  const figures = await figuresOf(size, async () => {
    const id = `latency-${process.pid}-${count++}`;
    const startedAt = performance.now();
    const limit = AbortSignal.timeout(LIMIT_MS);
    return abortable(probe(id), limit).then(
      (arrivedAt) => arrivedAt - startedAt,
      (error: unknown) => {
        if (!limit.aborted) throw error;
        throw new Error(`${id} was not heard within ${LIMIT_MS / 1_000} s ${JSON.stringify(describe())}`);
      },
    );
  });
  return figureOf(quantile(figures, operation === 'latency-p99' ? 0.99 : 0.5));
}
