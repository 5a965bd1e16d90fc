import pg from 'pg';
import { asSuperuser, pause, type World } from '../world/world.ts';
import type { Fault } from './fault.ts';

const terminateBackends: Fault = {
  name: 'pg_terminate_backend',
  inject: (world) => terminate(world, world.random.between(0.2, 1)),
};

async function terminate(world: World, share: number): Promise<void> {
  await asSuperuser(world, (client) =>
    client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where backend_type = 'client backend' and usename = 'app' and random() < $1`,
      [share],
    ),
  );
}

const crash: Fault = {
  name: 'immediate stop of the server, crash recovery',
  inject: async (world) => {
    await world.server.crash();
    await pause(world, world.random.between(0, 1_000));
    await world.server.start();
  },
};

/** Other clients take all remaining connections of the server. */
const takeAllConnections: Fault = {
  name: 'connection limit reached',
  inject: async (world) => {
    const taken: pg.Client[] = [];
    try {
      for (let refused = 0; refused < 3 && taken.length < 200; ) {
        const client = new pg.Client({ connectionString: world.server.url, connectionTimeoutMillis: 2_000 });
        client.on('error', () => {});
        const isConnected = await client.connect().then(
          () => true,
          () => false,
        );
        if (isConnected) taken.push(client);
        else refused++;
      }
      await terminate(world, 0.3); // Clients that reconnect find no free connection.
      await pause(world, world.random.between(500, 2_000));
    } finally {
      await Promise.all(taken.map((client) => client.end().catch(() => {})));
    }
  },
};

/** Sets a default of the login, which new connections get, for a while. */
const setTemporarily = (name: string, setting: string, value: (world: World) => string): Fault => ({
  name,
  inject: async (world) => {
    try {
      await asSuperuser(world, (client) => client.query(`alter role app set ${setting} = '${value(world)}'`));
      await terminate(world, 1);
      await pause(world, world.random.between(1_000, 3_000));
    } finally {
      await asSuperuser(world, (client) => client.query(`alter role app reset ${setting}`));
      await terminate(world, 1);
    }
  },
});

/** A transaction of another client that holds a lock on a table, as a migration does. */
const lockTable: Fault = {
  name: 'a table locked by another client',
  inject: async (world) => {
    const table = world.random.pick(['vm', 'overall_status_vm', 'enforcement_status_vm', 'sign']);
    await asSuperuser(world, async (client) => {
      await client.query('begin');
      await client.query(`lock table ${table} in exclusive mode`);
      await pause(world, world.random.between(500, 2_000));
      await client.query('rollback');
    });
  },
};

export const SERVER_FAULTS: readonly Fault[] = [
  terminateBackends,
  crash,
  takeAllConnections,
  setTemporarily(
    'statement timeouts that fire',
    'statement_timeout',
    ({ random }) => `${Math.ceil(random.between(2, 20))}ms`,
  ),
  setTemporarily('serializable as the default', 'default_transaction_isolation', () => 'serializable'),
  setTemporarily('repeatable read as the default', 'default_transaction_isolation', () => 'repeatable read'),
  lockTable,
];
