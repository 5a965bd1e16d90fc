import { setTimeout as delay } from 'node:timers/promises';
import type { Measurement } from './contestant.ts';
import { figureOf } from './load.ts';

/** Milliseconds of CPU that this process takes in a second in which nobody asks anything of it. */
export async function idleCpu(durationMs: number): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await delay(durationMs);
  const { user, system } = process.cpuUsage(cpu);
  return figureOf((user + system) / (performance.now() - startedAt));
}
