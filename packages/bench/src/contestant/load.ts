import type { Measurement } from './contestant.ts';

/** One caller's next piece of work; answers how many units it was, 1 when it says nothing. */
export type Work = (client: number) => Promise<number | undefined>;

/** This many callers, each with one piece of work after the other, for this long: units a second. */
export async function loadFor(clients: number, durationMs: number, work: Work): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let units = 0;
  const callFrom = async (client: number) => {
    do {
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
