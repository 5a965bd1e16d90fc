import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../statistics.ts';

/** Long enough that whoever was woken has gone to sleep again. */
const REST_MS = 15;

/** So many figures, taken one after the other. */
export async function figuresOf(times: number, measure: () => Promise<number>): Promise<number[]> {
  const figures: number[] = [];
  while (figures.length < times) figures.push(await measure());
  return figures;
}

/** The median of so many latencies, each of a system at rest. */
export async function medianAtRest(times: number, measure: () => Promise<number>): Promise<number> {
  const figures = await figuresOf(times, async () => {
    await delay(REST_MS);
    return measure();
  });
  return median(figures);
}
