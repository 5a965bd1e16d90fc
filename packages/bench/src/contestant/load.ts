import { setTimeout as delay } from 'node:timers/promises';
import type { Measurement } from './contestant.ts';

/** Runs one caller's next operation. Returns its number of units; undefined counts as 1. */
export type Work = (client: number) => Promise<number | undefined>;

/**
 * This many callers, each with one piece of work after the other, for this long: units a second. With a rate, each waits for
 * its next turn first; one that is late begins at once.
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
      // Not `units += await …`, which would read the sum before it waits and lose what others add meanwhile.
      units += done;
    } while (performance.now() - startedAt < durationMs);
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => callFrom(client)));
  return measured(units, startedAt, cpu);
}

/** What has been done since then: units a second, and CPU a unit. */
export function measured(units: number, startedAt: number, cpuAtStart: NodeJS.CpuUsage): Measurement {
  const { user, system } = process.cpuUsage(cpuAtStart);
  return { value: (units * 1_000) / (performance.now() - startedAt), cpuMicros: (user + system) / units };
}

/** For figures that are not rates. */
export const figureOf = (value: number): Measurement => ({ value, cpuMicros: 0 });
