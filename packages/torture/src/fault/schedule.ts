import { monotonicMs } from '../history/history-writer.ts';
import { pause, type World, waitUntilNothingUnmet } from '../world/world.ts';
import type { Fault } from './fault.ts';

/** How long to wait for recovery beyond its limit, in milliseconds. */
const GIVE_UP_AFTER_MS = 20_000;

export interface ScheduleOptions {
  readonly faults: readonly Fault[];
  readonly untilMs: number;
  /** A longer recovery is a violation, in milliseconds. */
  readonly recoveryLimitMs: number;
  readonly onProgress: (text: string) => void;
}

/** Injects one fault after the other, in an order that the seed determines: each kind once before any is repeated. */
export async function runSchedule(world: World, { faults, untilMs, ...rest }: ScheduleOptions): Promise<void> {
  const possible = faults.filter((fault) => isAvailable(world, fault));
  for (;;) {
    for (const fault of world.random.shuffled(possible)) {
      if (monotonicMs() > untilMs) return;
      await injectAndRecover(world, fault, rest);
      await pause(world, world.random.between(100, 1_000));
    }
  }
}

function isAvailable(world: World, fault: Fault): boolean {
  const note = fault.unavailable?.(world);
  if (note === undefined) return true;
  world.history.write({ kind: 'fault', phase: 'skipped', fault: fault.name, note });
  return false;
}

/** Injects a fault, and waits until the system has recovered from it. */
export async function injectAndRecover(
  world: World,
  fault: Fault,
  { recoveryLimitMs, onProgress }: Pick<ScheduleOptions, 'recoveryLimitMs' | 'onProgress'>,
): Promise<void> {
  const { history } = world;
  history.write({ kind: 'fault', phase: 'begin', fault: fault.name });
  await fault.inject(world);
  const endedAt = monotonicMs();
  history.write({ kind: 'fault', phase: 'end', fault: fault.name });
  const unmet = await waitUntilNothingUnmet(world, endedAt, recoveryLimitMs + GIVE_UP_AFTER_MS);
  const recoveryMs = monotonicMs() - endedAt;
  history.write({ kind: 'fault', phase: 'recovered', fault: fault.name });
  if (recoveryMs > recoveryLimitMs)
    history.write({
      kind: 'complaint',
      rule: 'the system recovers from each fault in time',
      text: `${fault.name}: ${unmet ?? `it took ${(recoveryMs / 1_000).toFixed(1)} s`}`,
    });
  const { operations, attempts, deliveries } = world.progress;
  onProgress(
    `${fault.name.padEnd(46)} recovered in ${(recoveryMs / 1000).toFixed(1).padStart(4)} s   ${operations} operations, ${attempts} attempts, ${deliveries} deliveries`,
  );
}
