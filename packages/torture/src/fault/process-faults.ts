import type { Role } from '../world/cast.ts';
import { pause, type World } from '../world/world.ts';
import type { Fault } from './fault.ts';

/** Longer than a worker's lease of 2 s. */
const FREEZE_MS = [2_500, 4_000] as const;

const memberOf = ({ cast, random }: World, role: Role) => random.pick(cast.members(role));

const kill = (role: Role): Fault => ({
  name: `kill -9 of a ${role}`,
  inject: async (world) => void (await world.cast.kill(memberOf(world, role))),
});

const freeze = (role: Role): Fault => ({
  name: `SIGSTOP of a ${role}, SIGCONT`,
  inject: (world) => world.cast.freeze(memberOf(world, role), world.random.between(...FREEZE_MS), world.signal),
});

/** Kills all workers at once. No process can take over, so recovery begins when new ones have started. */
const killAllWorkers: Fault = {
  name: 'kill -9 of all workers',
  inject: async ({ cast }) => {
    const killed = await Promise.all(cast.members('worker').map((member) => cast.kill(member)));
    await Promise.all(killed.map(({ replaced }) => replaced));
  },
};

const HOUR_MS = 3_600_000;

/** Shifts the wall clock of every process by up to a day, differently for each, for a while. */
const jumpClocks: Fault = {
  name: 'clock jumps in the clients',
  inject: async (world) => {
    const { cast, random } = world;
    for (const member of cast.members())
      cast.order(member, { order: 'shift-clock', byMs: Math.round(random.between(-24, 24) * HOUR_MS) });
    await pause(world, random.between(500, 2_000));
    for (const member of cast.members()) cast.order(member, { order: 'shift-clock', byMs: 0 });
  },
};

export const PROCESS_FAULTS: readonly Fault[] = [
  kill('worker'),
  kill('service'),
  kill('subscriber'),
  kill('maintenance'),
  killAllWorkers,
  freeze('worker'),
  freeze('service'),
  freeze('subscriber'),
  freeze('maintenance'),
  jumpClocks,
];
