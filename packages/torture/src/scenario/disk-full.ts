import { eventually } from '@intendant/devdb/testing';
import type { Fault } from '../fault/fault.ts';
import { type SmallFileSystem, smallFileSystem, whyNoSmallFileSystem } from '../world/small-file-system.ts';
import { asSuperuser, pause, type World } from '../world/world.ts';
import { runChaos } from './chaos.ts';
import type { Scenario } from './scenario.ts';

const MEGABYTES = 260;
/** The server ends when it cannot write its log. It restarts by itself, or is restarted here. */
const RESTARTS_WITHIN_MS = 3_000;

/** Prevents all writes to the disk for a while. */
const fillDisk = (disk: SmallFileSystem): Fault => ({
  name: 'disk full',
  inject: async (world) => {
    try {
      await disk.fill();
      await pause(world, world.random.between(1_000, 4_000));
    } finally {
      await disk.empty();
    }
    await startIfDown(world);
  },
});

async function startIfDown(world: World): Promise<void> {
  const ask = () => asSuperuser(world, (client) => client.query('create temporary table probe as select 1'));
  try {
    await eventually(ask, { timeoutMs: RESTARTS_WITHIN_MS, intervalMs: 100 });
  } catch {
    await world.server.crash();
    await world.server.start();
  }
}

export const diskFull: Scenario = {
  name: 'disk-full',
  about: 'the file system of the database is full for a while',
  weight: 0.5,
  unavailable: whyNoSmallFileSystem,
  run: async (run) => {
    await using disk = await smallFileSystem(MEGABYTES);
    const settings = { min_wal_size: '32MB', max_wal_size: '64MB' };
    await runChaos(run, { dataFolder: disk.folder, settings, faults: [fillDisk(disk)] });
  },
};
