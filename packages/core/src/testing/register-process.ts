/** A service's start as a process of its own, for tests: it registers its tables, reports that it is done, and exits. */
import { createDataStore } from '../index.ts';
import { application, appUsers, onTestServer, TENANT_ROLES } from './fixtures.ts';

const [connection, adminConnection] = process.argv.slice(2) as [string, string];
const store = await createDataStore({ ...onTestServer, connection, adminConnection });
await store.register([application, appUsers], { roles: TENANT_ROLES });
await store.as({ orgId: 'Coke', roles: ['tenant_admin'] }).upsert(application, { id: 'shared', name: 'x' });
await store.close();
