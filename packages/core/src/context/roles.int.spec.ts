import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  createDataStore,
  DB_ROLES,
  type DbRole,
  defineTable,
  FixedAuthorizer,
  MissingInstanceIdError,
  OperationNotAllowedError,
  RecordNotFoundError,
  SimpleInstancer,
} from '../index.ts';
import { inAmericas, inEurope, onTestServer, openStore, openTestStore } from '../testing/fixtures.ts';

const SCOPED = {
  tenanted: defineTable('tenanted', { schema: z.object({ id: z.string() }) }),
  instanced: defineTable('instanced', { schema: z.object({ id: z.string() }), tenancy: 'shared', instanced: true }),
  both: defineTable('both', { schema: z.object({ id: z.string() }), instanced: true }),
  shared: defineTable('shared', { schema: z.object({ id: z.string() }), tenancy: 'shared' }),
};
const PLACES = [
  ['Coke', 'Americas'],
  ['Coke', 'Europe'],
  ['Pepsi', 'Americas'],
  ['Pepsi', 'Europe'],
] as const;

const fixture = await openTestStore();
const { store, database } = fixture;
const everyRole = Object.fromEntries(DB_ROLES.map((role) => [role, role]));

beforeAll(async () => {
  await store.register(Object.values(SCOPED), { roles: everyRole });
  for (const [orgId, instanceId] of PLACES) {
    const writer = store.as({ orgId, instanceId, roles: ['writer'] });
    await writer.insert(SCOPED.tenanted, { id: `${orgId}-${instanceId}` });
    await writer.insert(SCOPED.instanced, { id: `${orgId}-${instanceId}` });
    await writer.insert(SCOPED.both, { id: `${orgId}-${instanceId}` });
    await writer.insert(SCOPED.shared, { id: `${orgId}-${instanceId}` });
  }
});
afterAll(() => fixture[Symbol.asyncDispose]());

const visibleTo = (role: DbRole, hasOrg: boolean, hasInstance: boolean) =>
  PLACES.filter(
    ([org, instance]) =>
      (!(hasOrg && role.startsWith('tenant_')) || org === 'Coke') && (!hasInstance || instance === 'Americas'),
  )
    .map(([org, instance]) => `${org}-${instance}`)
    .toSorted();

describe.each(DB_ROLES)('%s, in a store with an instancer', (role) => {
  const session = () => store.as({ orgId: 'Coke', instanceId: 'Americas', roles: [role] });

  test.each([
    ['tenanted', true, false],
    ['instanced', false, true],
    ['both', true, true],
    ['shared', false, false],
  ] as const)('sees of the %s table just its own', async (name, hasOrg, hasInstance) => {
    const seen = (await session().findMany(SCOPED[name])).map(({ id }) => id).toSorted();
    expect(seen).toEqual(visibleTo(role, hasOrg, hasInstance));
  });

  test(role.endsWith('writer') ? 'writes' : 'does not write', async () => {
    const attempt = session().insert(SCOPED.both, { id: `by-${role}` });
    if (role.endsWith('writer')) {
      await attempt;
      expect(await session().delete(SCOPED.both, `by-${role}`)).toBe(1);
    } else {
      await expect(attempt).rejects.toThrow(OperationNotAllowedError);
    }
  });
});

describe('which role', () => {
  const mapped = defineTable('mapped', { schema: z.object({ id: z.string() }) });
  const readable = defineTable('readable', { schema: z.object({ id: z.string() }) });

  beforeAll(async () => {
    await store.register([mapped], {
      roles: { app_admin: 'reader', service_admin: 'writer', tenant_admin: 'tenant_writer' },
    });
    await store.register([readable], { roles: { tenant_admin: 'reader' } });
  });

  test("within one table the greatest of the caller's roles counts", async () => {
    const both = store.as({ orgId: 'Coke', roles: ['app_admin', 'service_admin'] });
    await both.insert(mapped, { id: 'a' });
    expect(await both.delete(mapped, 'a')).toBe(1);
  });

  test('a caller none of whose roles is mapped may do nothing', async () => {
    const stranger = store.as({ orgId: 'Coke', roles: ['stranger_admin'] });
    await expect(stranger.findMany(mapped)).rejects.toThrow(OperationNotAllowedError);
    await expect(store.as({ orgId: 'Coke', roles: ['__proto__'] }).findMany(mapped)).rejects.toThrow(
      OperationNotAllowedError,
    );
  });

  test('across the tables of a transaction the least counts, and it is never wider than any of them', async () => {
    await store.as({ orgId: 'Pepsi', roles: ['tenant_admin'] }).insert(mapped, { id: 'pepsis' });
    const coke = store.as({ orgId: 'Coke', roles: ['tenant_admin'] });
    await coke
      .transaction(
        async (tx) => {
          expect(await tx.findMany(mapped)).toEqual([]);
          expect((await tx.query('select count(*)::int as count from mapped')).rows).toEqual([{ count: 0 }]);
          await expect(tx.insert(mapped, { id: 'x' })).rejects.toThrow(OperationNotAllowedError);
          throw new Error('enough');
        },
        { tables: [mapped, readable] },
      )
      .catch((error: Error) => expect(error.message).toBe('enough'));
  });

  test('the order in which tables are named makes no difference', async () => {
    const coke = store.as({ orgId: 'Coke', roles: ['tenant_admin'] });
    for (const tables of [
      [mapped, readable],
      [readable, mapped],
    ]) {
      const { rows } = await coke.transaction((tx) => tx.query('select current_user as role'), { tables });
      expect(rows[0]?.['role']).toMatch(/_tenant_reader$/);
    }
  });

  test('a table without a mapping uses the name of the last role', async () => {
    const plain = defineTable('plain', { schema: z.object({ id: z.string() }) });
    await store.register([plain]);
    const role = async (context: object) =>
      (await store.as(context).transaction((tx) => tx.query('select current_user as role'), { tables: [plain] }))
        .rows[0]?.['role'] as string;
    expect(await role({ roles: ['service_admin'] })).toMatch(/[0-9a-f]{12}_writer$/);
    expect(await role({ roles: ['service_auditor'] })).toMatch(/_reader$/);
    expect(await role({ orgId: 'Pepsi', roles: ['org_admin'] })).toMatch(/_tenant_writer$/);
    expect(await role({ orgId: 'Pepsi', roles: ['auditor'] })).toMatch(/_tenant_reader$/);
  });
});

describe('instances', () => {
  const coke = { orgId: 'Coke', roles: ['tenant_writer'] };

  test('a context without an instance is refused on a table that has them', async () => {
    await expect(store.as(coke).findMany(SCOPED.both)).rejects.toThrow(MissingInstanceIdError);
  });

  test('naming another instance is refused, and both are named', async () => {
    const attempt = store.as(inAmericas(coke)).find(SCOPED.both, { id: 'x', instanceId: 'Europe' });
    await expect(attempt).rejects.toThrow(/Americas.*Europe/);
  });

  test('the same key in two instances means two records', async () => {
    await store.as(inAmericas(coke)).insert(SCOPED.both, { id: 'same' });
    await store.as(inEurope(coke)).insert(SCOPED.both, { id: 'same' });
    expect(await store.as(inEurope(coke)).delete(SCOPED.both, 'same')).toBe(1);
    expect((await store.as(inAmericas(coke)).find(SCOPED.both, 'same')).instanceId).toBe('Americas');
  });

  test.skipIf(cannotHoldOnCitus('instanced tables need an instancer there'))(
    'without an instancer instance_id is an ordinary column, and two instances share keys',
    async () => {
      await using plain = await createDataStore({
        ...onTestServer,
        connection: database.url,
        adminConnection: database.adminUrl,
      });
      const xUsers = defineTable('x_users', {
        schema: z.object({ id: z.string(), name: z.string() }),
        tenancy: 'shared',
        instanced: true,
      });
      await plain.register([xUsers], { roles: { service_admin: 'writer', service_instance: 'instance_writer' } });
      const dev = plain.as({ roles: ['service_admin'], instanceId: 'Dev' });
      const prod = plain.as({ roles: ['service_instance'], instanceId: 'Prod' });
      await dev.insert(xUsers, { id: 'P3', name: 'Pat', instanceId: 'Dev' });
      expect(await prod.find(xUsers, 'P3')).toMatchObject({ name: 'Pat', instanceId: 'Dev' });
      await expect(prod.insert(xUsers, { id: 'P3', name: 'Other', instanceId: 'Prod' })).rejects.toThrow(
        /exists already/,
      );
      const moved = await prod.update(xUsers, { ...(await dev.find(xUsers, 'P3')), instanceId: 'Prod' });
      expect(moved.instanceId).toBe('Prod');
      expect(await dev.delete(xUsers, 'P3')).toBe(1);
      expect(await prod.delete(xUsers, 'P3')).toBe(0);
    },
  );

  test.skipIf(cannotHoldOnCitus('instanced tables need an instancer there')).each(['first', 'second'])(
    'a store with an instancer that comes %s shares a table with one that has none',
    async (order) => {
      const memory = defineTable(`memory_${order}`, { schema: z.object({ id: z.string() }), instanced: true });
      const roles = { tenant_admin: 'tenant_writer' } as const;
      await using other = await openStore(database);
      await using plain = await createDataStore({
        ...onTestServer,
        connection: database.url,
        adminConnection: database.adminUrl,
      });
      for (const one of order === 'first' ? [other, plain] : [plain, other]) await one.register([memory], { roles });
      for (const instanceId of ['Americas', 'Europe'])
        await other.as({ orgId: 'Pepsi', roles: ['tenant_admin'], instanceId }).upsert(memory, { id: 'P1' });
      const all = plain.as({ orgId: 'Pepsi', roles: ['tenant_admin'] });
      expect(await all.findMany(memory)).toHaveLength(2);
      await expect(all.find(memory, 'P1')).rejects.toThrow(/name orgId and instanceId/);
      expect(await all.upsert(memory, { id: 'P1', instanceId: 'Europe' })).toMatchObject({ revision: 2 });
      await expect(plain.as({ orgId: 'Coke', roles: ['tenant_admin'] }).find(memory, 'P1')).rejects.toThrow(
        RecordNotFoundError,
      );
    },
  );
});

test('a fixed authorizer acts for one org whatever the context', async () => {
  await using fixed = await createDataStore({
    ...onTestServer,
    connection: database.url,
    adminConnection: database.adminUrl,
    authorizer: new FixedAuthorizer({ orgId: 'Coke' }),
    instancer: new SimpleInstancer(),
  });
  await fixed.register([SCOPED.tenanted]);
  expect((await fixed.as({}).findMany(SCOPED.tenanted)).map(({ orgId }) => orgId)).toEqual(['Coke', 'Coke']);
});
