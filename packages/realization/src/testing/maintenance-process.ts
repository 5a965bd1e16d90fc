/*
 * Maintenance in a separate process, for tests that kill it.
 */
import { createDataStore } from '@intendant/core';
import { createRealization } from '../index.ts';
import { onTestServer, ROLES, vm } from './fixture.ts';

const { DATABASE = '', ADMIN_DATABASE = '' } = process.env;

const store = await createDataStore({
  connection: DATABASE,
  adminConnection: ADMIN_DATABASE,
  ...onTestServer,
  pool: { max: 6 },
});
const realization = await createRealization({ store, subscriptions: undefined });
await realization.register([vm], { roles: ROLES });
realization.maintenance.start();
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
