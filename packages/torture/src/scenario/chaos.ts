import type { Fault } from '../fault/fault.ts';
import { NETWORK_FAULTS } from '../fault/network-faults.ts';
import { PROCESS_FAULTS } from '../fault/process-faults.ts';
import { runSchedule, type ScheduleOptions } from '../fault/schedule.ts';
import { SERVER_FAULTS } from '../fault/server-faults.ts';
import { monotonicMs } from '../history/history-writer.ts';
import { breakServer } from '../world/break-server.ts';
import { openWorld, type WorldOptions } from '../world/open-world.ts';
import { pause, type World, waitUntilNothingUnmet } from '../world/world.ts';
import { finishRun } from './finish-run.ts';
import { readLogs } from './read-logs.ts';
import type { Scenario, ScenarioRun } from './scenario.ts';
import { takeSnapshots } from './take-snapshots.ts';

const STARTED_WITHIN_MS = 60_000;

/** Variations of a chaos run. */
export interface ChaosOptions extends WorldOptions {
  /** The faults. Default: all those without special requirements. */
  readonly faults?: readonly Fault[];
  /** Breaks the world in another way than one fault after the other. */
  readonly break?: (world: World, schedule: ScheduleOptions) => Promise<void>;
}

const ALL_FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...SERVER_FAULTS, ...NETWORK_FAULTS];

/** Services, workers, subscribers and maintenance run while faults are injected one after the other. */
export async function runChaos(run: ScenarioRun, options: ChaosOptions = {}): Promise<void> {
  await using world = await openWorld(run, options);
  const { cast, history } = world;
  await cast.start('maintenance', 1);
  await Promise.all([cast.start('worker', 2), cast.start('subscriber', 2), cast.start('service', 2)]);
  await breakServer(world, run.broken);
  const unmet = await waitUntilNothingUnmet(world, monotonicMs(), STARTED_WITHIN_MS);
  if (unmet !== undefined) history.write({ kind: 'complaint', rule: 'the system starts', text: unmet });
  const snapshots = takeSnapshots(world);
  const untilMs = monotonicMs() + run.durationMs;
  if (run.broken === '')
    await (options.break ?? runSchedule)(world, {
      faults: options.faults ?? ALL_FAULTS,
      untilMs,
      recoveryLimitMs: run.recoveryLimitMs,
      onProgress: run.onProgress,
    });
  else await pause(world, run.durationMs);
  await snapshots.stop();
  await finishRun(world);
  readLogs(run, history);
}

export const chaos: Scenario = {
  name: 'chaos',
  about: 'processes are killed and frozen, the server crashes, the network fails, while tenants change what they want',
  weight: 4,
  run: (run) => runChaos(run),
};
