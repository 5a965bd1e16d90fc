import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sessions as fastifySessions } from '../fastify.ts';
import { sessions as honoSessions } from '../hono.ts';
import {
  type Authorizer,
  auditIsolation,
  ConfigurationError,
  contextFromHeaders,
  createDataStore,
  defineTable,
  FixedAuthorizer,
  InvalidRecordError,
  InvalidTokenError,
  JwtAuthorizer,
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
  const JWT = { jwks: 'https://id.test/jwks', issuer: 'https://id.test', audience: 'vms' };
  const calls: Record<string, (options: never) => Promise<unknown>> = {
    insert: (options) => coke.insert(application, app, options),
    insertMany: (options) => coke.insertMany(application, [app], options),
    find: (options) => coke.find(application, 'A', options),
    findMany: (options) => coke.findMany(application, options),
    stream: (options) => coke.stream(application, options).next(),
    count: (options) => coke.count(application, options),
    updateMany: (options) => coke.updateMany(application, {}, { name: 'B' }, options),
    update: (options) => coke.update(application, app, options),
    upsert: (options) => coke.upsert(application, app, options),
    softDelete: (options) => coke.softDelete(application, 'A', options),
    delete: (options) => coke.delete(application, 'A', options),
    deleteMany: (options) => coke.deleteMany(application, options),
    transaction: (options) => coke.transaction(async () => 1, options),
    register: (options) => store.register([application], options),
    createDataStore: (options) => createDataStore({ connection: database.url, ...(options as object) }),
    'a nested transaction': (options) => coke.transaction((tx) => tx.transaction(async () => 1, options)),
    defineTable: async (options) => defineTable('t', { schema: z.object({ id: z.string() }), ...(options as object) }),
    'an index of a table': async (index) =>
      defineTable('t', { schema: z.object({ id: z.string() }), indexes: [{ fields: ['id'], ...(index as object) }] }),
    'a reference of a table': async (reference) =>
      defineTable('t', {
        schema: z.object({ id: z.string() }),
        references: [{ fields: ['id'], table: application, ...(reference as object) }],
      }),
    FixedAuthorizer: async (options) => new FixedAuthorizer({ orgId: 'Coke', ...(options as object) }),
    JwtAuthorizer: async (options) => new JwtAuthorizer({ ...JWT, ...(options as object) }),
    'JwtAuthorizer, claims': async (claims) => new JwtAuthorizer({ ...JWT, claims }),
    contextFromHeaders: async (names) => contextFromHeaders({}, names),
    'sessions of Hono': async (options) => honoSessions(store, { contextOf: () => cokeAdmin, ...(options as object) }),
    'sessions of Fastify': async (options) =>
      fastifySessions(store, { contextOf: () => cokeAdmin, ...(options as object) }),
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

test('a null filter is refused, because it would select everything', async () => {
  const where = null as never;
  await expect(coke.count(application, { where })).rejects.toThrow(InvalidRecordError);
  await expect(coke.findMany(application, { where })).rejects.toThrow(InvalidRecordError);
});

test('every method of a closed store says that it is closed', async () => {
  const closed = await openStore(database);
  await closed.register([application], { roles: TENANT_ROLES });
  const session = closed.as(cokeAdmin);
  await closed.close();
  const calls = [
    session.find(application, 'A'),
    session.count(application),
    session.insert(application, { id: 'A', name: 'A' }),
    session.stream(application).next(),
    session.transaction(async () => 1),
    closed.register([application]),
    closed.planSchema(),
    auditIsolation(closed),
  ];
  for (const call of calls)
    await expect(call).rejects.toThrow('the data store is closed; open a new one with createDataStore');
});

test('a transaction that began before its store is closed completes, and the store waits for it', async () => {
  const closed = await openStore(database);
  await closed.register([application], { roles: TENANT_ROLES });
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const running = closed.as(cokeAdmin).transaction(async (tx) => {
    await tx.count(application);
    begun.resolve();
    await go.promise;
    await tx.insert(application, { id: 'begun', name: 'before' });
  });
  await begun.promise;
  const closing = closed.close();
  go.resolve();
  await running;
  await closing;
  expect((await coke.find(application, 'begun')).name).toBe('before');
});

describe('a faulty authorizer or instancer', () => {
  const placed = defineTable('placed', { schema: z.object({ id: z.string() }), instanced: true });
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('do not look');
      },
      getPrototypeOf() {
        throw new Error('do not look');
      },
    },
  );
  const expectEachToThrow = async (calls: readonly (() => Promise<unknown>)[], expected: unknown) => {
    for (const call of calls) {
      // Wrapped: a promise would look at the value itself.
      const { thrown } = await call().then(
        () => ({ thrown: 'nothing' as unknown }),
        (error: unknown) => ({ thrown: error }),
      );
      if (expected === hostile) expect(thrown === hostile).toBe(true);
      else expect(thrown).toEqual(expected);
    }
  };
  const open = (methods: Record<string, () => unknown>) =>
    openStore(database, { authorizer: Object.assign(new MetadataAuthorizer(), methods) as never });
  const throwing = (value: unknown) => () => {
    throw value;
  };

  test.each([
    ['throws null', { dbRole: throwing(null) }, null],
    ['throws undefined for the org', { orgId: throwing(undefined) }, undefined],
    ['throws a text', { dbRole: throwing('no'), orgId: throwing('no') }, 'no'],
    ['throws what must not be looked at', { dbRole: throwing(hostile) }, hostile],
    ['returns a number as the org', { orgId: () => 7 }, expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns a promise of an org', { orgId: async () => 'Coke' }, expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns no org', { orgId: () => '' }, expect.objectContaining({ code: 'MISSING_ORG_ID' })],
    ['returns an org with a NUL byte', { orgId: () => 'a\0b' }, expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns half a character', { orgId: () => '\ud800' }, expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns no role', { dbRole: () => undefined }, expect.objectContaining({ code: 'CONFIGURATION' })],
    ['returns a role of its own', { dbRole: () => 'postgres' }, expect.objectContaining({ code: 'CONFIGURATION' })],
    [
      'returns a promise of a role',
      { dbRole: async () => 'writer' },
      expect.objectContaining({ code: 'CONFIGURATION' }),
    ],
  ])('and %s is an error of each operation, and nothing is left behind', async (_, methods, expected) => {
    await using own = await open(methods as never);
    await own.register([application], { roles: TENANT_ROLES });
    const session = own.as(cokeAdmin);
    const calls = [
      () => session.find(application, 'A'),
      () => session.insert(application, { id: 'A', name: 'A' }),
      () => session.transaction((tx) => tx.count(application), { tables: [application] }),
      () => session.transaction((tx) => tx.query('select 1')),
    ];
    await expectEachToThrow(calls, expected);
    expect(own.stats()).toMatchObject({ waiting: 0, idle: own.stats().total });
  });

  test.each([
    ['throws null', throwing(null), null],
    ['throws a text', throwing('no'), 'no'],
    ['throws what must not be looked at', throwing(hostile), hostile],
    ['returns a number', () => 7, expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns a promise', async () => 'Europe', expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns a NUL byte', () => 'a\0b', expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns half a character', () => '\ud800', expect.objectContaining({ code: 'INVALID_RECORD' })],
    ['returns nothing', () => undefined, expect.objectContaining({ code: 'MISSING_INSTANCE_ID' })],
  ])(
    'an instancer that %s is an error of each operation, and nothing is left behind',
    async (_, instanceId, expected) => {
      await using own = await openStore(database, { instancer: { instanceId: instanceId as never } });
      await own.register([placed], { roles: TENANT_ROLES });
      const session = own.as(cokeAdmin);
      const calls = [
        () => session.insert(placed, { id: 'A' }),
        () => session.upsert(placed, { id: 'A' }),
        () => session.transaction((tx) => tx.insert(placed, { id: 'A' })),
      ];
      await expectEachToThrow(calls, expected);
      expect(own.stats()).toMatchObject({ waiting: 0, idle: own.stats().total });
    },
  );

  test('an org of any length is an org like others, or is refused clearly', async () => {
    for (const orgId of [
      'x'.repeat(100_000),
      Array.from({ length: 20_000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join(''),
    ]) {
      await using own = await open({ orgId: () => orgId });
      await own.register([application], { roles: TENANT_ROLES });
      expect(await own.as(cokeAdmin).findMany(application)).toEqual([]);
      const stored = await own
        .as(cokeAdmin)
        .insert(application, { id: 'long', name: '' })
        .catch((error: unknown) => error);
      if (stored instanceof Error) expect(stored).toMatchObject({ code: 'INVALID_RECORD' });
      else expect(stored).toMatchObject({ orgId });
    }
  });
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
