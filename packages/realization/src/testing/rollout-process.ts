/*
 * Changes a point and runs the rollout in a separate process, for tests that kill it in the middle.
 */
import { createDataStore } from '@intendant/core';
import { createRealization } from '../index.ts';
import { onTestServer, ROLES, vm } from './fixture.ts';

const { DATABASE = '', ADMIN_DATABASE = '', POINT = 'E1', CHANGE = 'add' } = process.env;

const store = await createDataStore({
  connection: DATABASE,
  adminConnection: ADMIN_DATABASE,
  ...onTestServer,
  pool: { max: 4 },
});
const realization = await createRealization({ store, subscriptions: undefined });
await realization.register([vm], { roles: ROLES });
if (CHANGE === 'add') await realization.points.add({ id: POINT, labels: { region: 'eu' } });
else await realization.points.remove(POINT);
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
