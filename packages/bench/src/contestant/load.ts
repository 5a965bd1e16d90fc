import { setTimeout as delay } from 'node:timers/promises';
import type { Measurement } from './contestant.ts';

/** Runs the next operation of one caller. Returns its number of units; undefined counts as 1. */
export type Work = (client: number) => Promise<number | undefined>;

/**
 * Runs this many callers for this long, each with one operation after the other. Returns units per second. With a rate,
 * each caller waits for its next scheduled time; one that is late begins immediately.
 */
export async function loadFor(
  clients: number,
  durationMs: number,
  work: Work,
  ratePerSecond?: number,
): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const turnMs = ratePerSecond === undefined ? 0 : (clients * 1_000) / ratePerSecond;
  let units = 0;
  const callFrom = async (client: number) => {
    let turnAt = startedAt + (client * turnMs) / clients;
    do {
      const waitMs = turnAt - performance.now();
      if (waitMs > 0) await delay(waitMs);
      turnAt += turnMs;
      const done = (await work(client)) ?? 1;
      // Not `units += await …`: it reads the sum before it waits, and loses what others add meanwhile.
      units += done;
    } while (performance.now() - startedAt < durationMs);
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => callFrom(client)));
  return measured(units, startedAt, cpu);
}

/** The work done since then: units per second, and CPU time per unit. */
export function measured(units: number, startedAt: number, cpuAtStart: NodeJS.CpuUsage): Measurement {
  const { user, system } = process.cpuUsage(cpuAtStart);
  return { value: (units * 1_000) / (performance.now() - startedAt), cpuMicros: (user + system) / units };
}

/** For results that are not rates. */
export const figureOf = (value: number): Measurement => ({ value, cpuMicros: 0 });
