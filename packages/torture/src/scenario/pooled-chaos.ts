import { startPgBouncer, whyNoPgBouncer } from '@intendant/devdb/testing';
import { runChaos } from './chaos.ts';
import type { Scenario } from './scenario.ts';

/** From version 1.21 on PgBouncer keeps prepared statements. */
const namedStatements = whyNoPgBouncer(1.21) === undefined;
/** By default PgBouncer waits 15 s before it reconnects to a server that was down. */
const SETTINGS = {
  default_pool_size: 20,
  server_login_retry: 0.5,
  ...(namedStatements && { max_prepared_statements: 500 }),
};

/** The same with PgBouncer in transaction mode in front of the database. */
export const pooledChaos: Scenario = {
  name: 'chaos-pgbouncer',
  about: 'the same by way of PgBouncer in transaction mode',
  weight: 1,
  unavailable: () => whyNoPgBouncer(),
  run: (run) =>
    runChaos(run, {
      namedStatements,
      front: async (url, resources) => resources.use(await startPgBouncer({ url, name: 'soak' }, SETTINGS)).url,
    }),
};
