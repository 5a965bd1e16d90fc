import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../fault/fault.ts';
import { PROCESS_FAULTS } from '../fault/process-faults.ts';
import { injectAndRecover, runSchedule, type ScheduleOptions } from '../fault/schedule.ts';
import { monotonicMs } from '../history/history-writer.ts';
import type { Member } from '../world/cast.ts';
import { THIS_RELEASE } from '../world/this-release.ts';
import type { World } from '../world/world.ts';
import { runChaos } from './chaos.ts';
import type { Scenario } from './scenario.ts';

/**
 * A rolling upgrade: processes of an earlier release are replaced one after the other, and one returns to the earlier
 * release meanwhile. Faults go on between two replacements. Each process that starts, also one of the earlier release,
 * registers its tables.
 */
export const upgrade: Scenario = {
  name: 'upgrade',
  about: 'processes of an earlier release (--earlier) are replaced one by one, and killed and frozen meanwhile',
  weight: 1,
  unavailable: ({ earlierRelease }) => {
    if (earlierRelease === undefined) return '--earlier names no earlier release';
    const modules = join(earlierRelease, 'packages/torture/node_modules');
    return existsSync(modules) ? undefined : `${modules} does not exist: install the dependencies of that release`;
  },
  run: (run) => {
    const release = run.earlierRelease as string;
    return runChaos(run, {
      release,
      faults: PROCESS_FAULTS,
      break: (world, schedule) => roll(world, schedule, release),
    });
  },
};

async function roll(world: World, schedule: ScheduleOptions, earlier: string): Promise<void> {
  const members = world.random.shuffled(world.cast.members());
  const moves = members.map((member) => moveTo(THIS_RELEASE, member));
  const returning = world.random.pick(members);
  moves.push(moveTo(earlier, returning), moveTo(THIS_RELEASE, returning));
  const begunAt = monotonicMs();
  const phaseMs = (schedule.untilMs - begunAt) / (moves.length + 1);
  for (const [index, move] of moves.entries()) {
    await runSchedule(world, { ...schedule, untilMs: begunAt + (index + 1) * phaseMs });
    await injectAndRecover(world, move, schedule);
  }
  await runSchedule(world, schedule);
}

/** The process may have been replaced by another with its role and index meanwhile. */
const moveTo = (release: string, { role, index }: Member): Fault => ({
  name: `a ${role} moves to the ${release === THIS_RELEASE ? 'new' : 'earlier'} release`,
  inject: async ({ cast }) => {
    const member = cast.members(role).find((one) => one.index === index);
    if (member) await cast.moveTo(member, release);
  },
});
