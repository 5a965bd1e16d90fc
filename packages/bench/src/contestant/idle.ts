import { setTimeout as delay } from 'node:timers/promises';
import type { Measurement } from './contestant.ts';
import { figureOf } from './load.ts';

/** Measures how many milliseconds of CPU this process uses in one second without work. */
export async function idleCpu(durationMs: number): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await delay(durationMs);
  const { user, system } = process.cpuUsage(cpu);
  return figureOf((user + system) / (performance.now() - startedAt));
}
