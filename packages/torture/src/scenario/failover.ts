import { execFileSync } from 'node:child_process';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../fault/fault.ts';
import { pause, type World } from '../world/world.ts';
import { runChaos } from './chaos.ts';
import type { Scenario } from './scenario.ts';

const LAG_MS = [1_000, 4_000] as const;

/**
 * Replaces the server by an earlier copy, as when a standby is promoted before it has received everything. The copy
 * ends its recovery on a timeline of its own. Processes continue, with positions, leases and cursors in memory that the
 * copy does not know.
 */
const failOver: Fault = {
  name: 'failover to a standby that lacks the last changes',
  inject: async (world) => {
    const copy = await copyData(world);
    await pause(world, world.random.between(...LAG_MS));
    await world.server.crash();
    const { dataDir } = world.server;
    await rm(dataDir, { recursive: true });
    execFileSync('mv', [copy, dataDir]);
    await promote(dataDir);
    world.history.write({ kind: 'failover' });
    await world.server.start();
  },
};

/** A copy of the data as the server would find it after a crash now. */
async function copyData({ server }: World): Promise<string> {
  const copy = `${server.dataDir}-standby`;
  await server.crash();
  execFileSync('cp', ['--archive', server.dataDir, copy]);
  await server.start();
  return copy;
}

/** https://www.postgresql.org/docs/current/continuous-archiving.html: recovery from an empty archive, then a new timeline. */
async function promote(dataDir: string): Promise<void> {
  await writeFile(join(dataDir, 'recovery.signal'), '');
  execFileSync('chown', ['--reference', join(dataDir, 'PG_VERSION'), join(dataDir, 'recovery.signal')]);
  await appendFile(join(dataDir, 'postgresql.auto.conf'), "\nrestore_command = 'false'\n");
}

export const failover: Scenario = {
  name: 'failover',
  about: 'a standby that has not received everything takes over',
  weight: 0.5,
  run: (run) => runChaos(run, { faults: [failOver] }),
};
