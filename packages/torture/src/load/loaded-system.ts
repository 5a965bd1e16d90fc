import { createConsole } from '@intendant/console';
import {
  createDataStore,
  type DataStore,
  InvalidTokenError,
  MetadataAuthorizer,
  type MetadataContext,
} from '@intendant/core';
import { type CrashableServer, withClient } from '@intendant/devdb/testing';
import { createRealization, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import { adminOf, ROLES, vm } from '../world/tables.ts';
import { fillTables, orgOf, type Size } from './fill-tables.ts';

export const SERVICE: MetadataContext = { roles: ['service_admin'] };

/** A filled database with everything that works on it, in this process. */
export interface LoadedSystem extends AsyncDisposable {
  readonly size: Size;
  readonly adminUrl: string;
  readonly store: DataStore;
  readonly realization: Realization;
  readonly subscriptions: Subscriptions;
  /** Gets a page of the console as the service or as an org. Throws unless the status is 200. */
  readonly view: (path: string, caller: 'service' | string) => Promise<unknown>;
  /** Opens another store with its feed and realization, registers the table, and closes them. */
  readonly register: () => Promise<void>;
}

/** A token is `service`, or an org. */
class TokenAuthorizer extends MetadataAuthorizer {
  async authenticate(token: string): Promise<MetadataContext> {
    if (token === 'service') return SERVICE;
    if (token.startsWith('t')) return adminOf(token);
    throw new InvalidTokenError('the token is not known');
  }
}

/** Creates a database on the server, fills it, and opens everything on it. */
export async function loadedSystem(server: CrashableServer, size: Size): Promise<LoadedSystem> {
  const name = `load_${size.tenants}`;
  await withClient(server.adminUrl, (client) => client.query(`create database ${name}`));
  const [url, adminUrl] = [server.url, server.adminUrl].map(
    (one) => Object.assign(new URL(one), { pathname: name }).href,
  ) as [string, string];
  const authorizer = new TokenAuthorizer();
  const store = await createDataStore({ connection: url, adminConnection: adminUrl, authorizer });
  const subscriptions = await createSubscriptions({ store, records: [vm] });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: ROLES });
  await fillTables(adminUrl, size);
  // The points of the placements below exist from now on.
  await realization.as(adminOf(orgOf(0))).persistIntent(vm, { id: 'first', value: '' }, PLACED);
  const limits = { requestsPerMinute: 1_000_000, signInsPerMinute: 1_000_000 };
  const app = createConsole({ store, realization, subscriptions, authorizer, limits });
  return {
    size,
    adminUrl,
    store,
    realization,
    subscriptions,
    view: async (path, caller) => {
      const response = await app.request(`/api/v1${path}`, { headers: { authorization: `Bearer ${caller}` } });
      const body = await response.text();
      if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${body}`);
      return JSON.parse(body);
    },
    register: () => registerAgain(url, adminUrl),
    [Symbol.asyncDispose]: async () => {
      await realization.close();
      await subscriptions.close();
      await store.close();
    },
  };
}

export const PLACED = { enforcementPoints: ['E0'], allowUnknownPoints: true };

async function registerAgain(connection: string, adminConnection: string): Promise<void> {
  const store = await createDataStore({ connection, adminConnection });
  const subscriptions = await createSubscriptions({ store, records: [vm], relay: false });
  const realization = await createRealization({ store, subscriptions, maintenance: false });
  await realization.register([vm], { roles: ROLES });
  await realization.close();
  await subscriptions.close();
  await store.close();
}
