import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../statistics.ts';

/** Pause in milliseconds after which background parts are idle again. */
const REST_MS = 15;

/** Measures this many values, one after the other. */
export async function figuresOf(times: number, measure: () => Promise<number>): Promise<number[]> {
  const figures: number[] = [];
  while (figures.length < times) figures.push(await measure());
  return figures;
}

/** The median of this many latencies, each measured on an idle system. */
export async function medianAtRest(times: number, measure: () => Promise<number>): Promise<number> {
  const figures = await figuresOf(times, async () => {
    await delay(REST_MS);
    return measure();
  });
  return median(figures);
}
