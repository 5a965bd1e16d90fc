import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Authorizer,
  ConfigurationError,
  createDataStore,
  InvalidRecordError,
  InvalidTokenError,
  MetadataAuthorizer,
  type MetadataContext,
} from '../index.ts';
import { internalsOf } from '../internal.ts';
import { application, cokeAdmin, openStore, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
beforeAll(() => store.register([application], { roles: TENANT_ROLES }));
afterAll(() => fixture[Symbol.asyncDispose]());

describe('an option that does not exist is refused by name', () => {
  const app = { id: 'A', name: 'A', revision: 1 };
  const calls: Record<string, (options: never) => Promise<unknown>> = {
    insert: (options) => coke.insert(application, app, options),
    insertMany: (options) => coke.insertMany(application, [app], options),
    find: (options) => coke.find(application, 'A', options),
    findMany: (options) => coke.findMany(application, options),
    stream: (options) => coke.stream(application, options).next(),
    count: (options) => coke.count(application, options),
    update: (options) => coke.update(application, app, options),
    upsert: (options) => coke.upsert(application, app, options),
    softDelete: (options) => coke.softDelete(application, 'A', options),
    delete: (options) => coke.delete(application, 'A', options),
    deleteMany: (options) => coke.deleteMany(application, options),
    transaction: (options) => coke.transaction(async () => 1, options),
    register: (options) => store.register([application], options),
    createDataStore: (options) => createDataStore({ connection: database.url, ...(options as object) }),
    'createDataStore, pool': (pool) => createDataStore({ connection: database.url, pool }),
  };

  test.each(Object.entries(calls))('by %s', async (_, call) => {
    await expect(call({ filter: {} } as never)).rejects.toThrow(/there is no option "filter"/);
    await expect(call({ filter: {} } as never)).rejects.toThrow(ConfigurationError);
  });
});

test.each([
  { max: 0 },
  { max: 1.5 },
  { acquireTimeoutMs: -1 },
  { idleTimeoutMs: Number.NaN },
  { statementTimeoutMs: '9' },
])('a pool of %o is refused by name', async (pool) => {
  const opened = createDataStore({ connection: database.url, pool: pool as never });
  await expect(opened).rejects.toThrow(`pool.${Object.keys(pool)[0]}: expected`);
});

test('a filter of null is refused, and is no accident', async () => {
  const where = null as never;
  await expect(coke.count(application, { where })).rejects.toThrow(InvalidRecordError);
  await expect(coke.findMany(application, { where })).rejects.toThrow(InvalidRecordError);
});

test('a closed store says so, whatever is asked of it', async () => {
  const closed = await openStore(database);
  await closed.register([application], { roles: TENANT_ROLES });
  const session = closed.as(cokeAdmin);
  await closed.close();
  for (const call of [session.find(application, 'A'), session.count(application), session.transaction(async () => 1)]) {
    await expect(call).rejects.toThrow('the data store is closed; open a new one with createDataStore');
  }
});

describe('a context that is watched', () => {
  class Revoking extends MetadataAuthorizer implements Authorizer<MetadataContext> {
    readonly revoked = new Set<string>();
    readonly expiry = new Date(Date.now() + 20);

    expiresAt({ orgId }: MetadataContext): Date | undefined {
      return orgId === 'Coke' ? this.expiry : undefined;
    }

    isValid({ orgId = '' }: MetadataContext): boolean {
      if (this.revoked.has('all')) throw Symbol('no answer');
      return !this.revoked.has(orgId);
    }
  }
  const reasonOf = (signal: AbortSignal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve(signal.reason);
      signal.addEventListener('abort', () => resolve(signal.reason));
    });

  test('ends at its expiry, when it is revoked, and when its authorizer fails', async () => {
    const authorizer = new Revoking();
    const own = await openStore(database, { authorizer });
    const { watchContext } = internalsOf(own);
    const expiring = watchContext({ orgId: 'Coke', roles: [] });
    const revoked = watchContext({ orgId: 'Pepsi', roles: [] }, 5);
    const failing = watchContext({ orgId: 'Fanta', roles: [] }, 5);
    const ended = watchContext({ orgId: 'Sprite', roles: [] });
    expect(await reasonOf(expiring.signal)).toEqual(new InvalidTokenError('the context has expired'));
    expect([revoked, failing, ended].map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
    authorizer.revoked.add('Pepsi');
    expect(await reasonOf(revoked.signal)).toEqual(new InvalidTokenError('the context is no longer valid'));
    expect(failing.signal.aborted).toBe(false);
    authorizer.revoked.add('all');
    expect(await reasonOf(failing.signal)).toBeInstanceOf(InvalidTokenError);
    ended.end();
    expect(ended.signal.aborted).toBe(true);
    await own.close();
  });
});
