import { setTimeout as delay } from 'node:timers/promises';
import type { Measurement } from './contestant.ts';
import { figureOf } from './load.ts';

/** Milliseconds of CPU that this process uses in one idle second. */
export async function idleCpu(durationMs: number): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await delay(durationMs);
  const { user, system } = process.cpuUsage(cpu);
  return figureOf((user + system) / (performance.now() - startedAt));
}
