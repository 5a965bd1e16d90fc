import { type CrashableServer, synchronousStandby, withClient } from '@intendant/devdb/testing';
import type { Fault } from '../fault/fault.ts';
import { SERVER_SETTINGS } from '../world/open-world.ts';
import { pause } from '../world/world.ts';
import { runChaos } from './chaos.ts';
import type { Scenario } from './scenario.ts';

const FOLLOWED_MS = [500, 3_000] as const;

/** The primary is killed, and its standby, which has all that was acknowledged, is promoted. Processes reach it by the proxy. */
const promoteStandby = (servers: CrashableServer[]): Fault => ({
  name: 'failover to a synchronous standby',
  inject: async (world) => {
    const standby = await synchronousStandby(world.server, { settings: SERVER_SETTINGS });
    servers.push(standby);
    await pause(world, world.random.between(...FOLLOWED_MS));
    await world.server.crash();
    await withClient(standby.adminUrl, (client) => client.query('select pg_promote()'));
    world.server = standby;
    world.proxy.retarget(standby.port);
    world.proxy.cut();
  },
});

export const standby: Scenario = {
  name: 'standby',
  about: 'the primary is killed and its synchronous standby promoted: nothing acknowledged is lost',
  weight: 0.5,
  run: async (run) => {
    const servers: CrashableServer[] = [];
    try {
      await runChaos(run, { faults: [promoteStandby(servers)], adminByProxy: true });
    } finally {
      for (const server of servers) await server[Symbol.asyncDispose]();
    }
  },
};
