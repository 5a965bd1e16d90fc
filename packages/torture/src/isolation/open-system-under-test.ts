import { createConsole } from '@intendant/console';
import {
  createDataStore,
  type DataStore,
  InvalidTokenError,
  MetadataAuthorizer,
  type MetadataContext,
  SimpleInstancer,
} from '@intendant/core';
import { createProtoStore } from '@intendant/protostore';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import { ROLES } from '../world/tables.ts';
import { CALLERS } from './caller.ts';
import type { SystemUnderTest } from './entry-point.ts';
import { cliOf } from './run-cli.ts';
import { cell, doc, note } from './tables.ts';

/** The authorizer of the callers' tokens. */
class TokenAuthorizer extends MetadataAuthorizer {
  async authenticate(token: string): Promise<MetadataContext> {
    const caller = CALLERS.find((one) => one.token === token);
    if (!caller) throw new InvalidTokenError('the token is not known');
    return caller.context;
  }
}

/** Opens every interface that tenants can reach, in this process. `onIntent` is called with what a worker's handler received. */
export async function openSystemUnderTest(
  { url, adminUrl, logger }: { url: string; adminUrl: string; logger: Logger },
  onIntent: (org: string, received: unknown) => void,
): Promise<SystemUnderTest & AsyncDisposable> {
  const authorizer = new TokenAuthorizer();
  const instancer = new SimpleInstancer();
  const store = await createDataStore({ connection: url, adminConnection: adminUrl, authorizer, instancer, logger });
  const subscriptions = await createSubscriptions({ store, records: [doc, cell] });
  const realization = await createRealization({ store, subscriptions });
  const protoStore = createProtoStore(store);
  await store.register([doc], { roles: ROLES });
  await protoStore.register([note], { roles: ROLES });
  await realization.register([cell], { roles: ROLES });
  await startWorkers(realization, onIntent);
  const limits = { requestsPerMinute: 1_000_000, signInsPerMinute: 1_000_000 };
  const app = createConsole({ store, realization, subscriptions, authorizer, limits });
  return {
    store,
    protoStore,
    realization,
    subscriptions,
    cli: cliOf(url, adminUrl),
    fetch: (path, init) => app.request(path, init),
    [Symbol.asyncDispose]: () => closeAll(store, realization),
  };
}

/** The session of a handler must show only rows of the intent's tenant. */
async function startWorkers(
  realization: Realization,
  onIntent: (org: string, received: unknown) => void,
): Promise<void> {
  for (const enforcementPoint of ['E0', 'E1']) {
    const worker = realization.worker({
      enforcementPoint,
      handlers: [
        on(cell, {
          realize: async ({ record, orgId, instanceId }, { session }) =>
            onIntent(`${orgId}${instanceId}`, [record, await session.findMany(cell)]),
        }),
      ],
    });
    await worker.start();
  }
}

async function closeAll(store: DataStore, realization: Realization): Promise<void> {
  await realization.close();
  await store.close();
}
