import { cannotHoldOnCitus, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  createDataStore,
  defineTable,
  InvalidRecordError,
  OperationNotAllowedError,
  RecordNotFoundError,
  RevisionConflictError,
} from '../index.ts';
import {
  application,
  appUsers,
  cokeAdmin,
  GLOBAL_ROLES,
  inAmericas,
  inEurope,
  onTestServer,
  openTestStore,
  serviceAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

/* Cases of the seed library's own tests that no other file here tells. */
const group = defineTable('groups', {
  schema: z.object({ id: z.string(), name: z.string() }),
  tenancy: 'shared',
  instanced: true,
});
const persons = defineTable('persons', {
  schema: z.object({ id: z.string(), name: z.string(), age: z.int32() }),
  tenancy: 'shared',
  instanced: true,
});
const users = defineTable('users', { schema: z.object({ id: z.string(), name: z.string(), age: z.int32() }) });

const fixture = await openTestStore();
const { store, database } = fixture;
const americas = store.as(inAmericas(cokeAdmin));
const europe = store.as(inEurope(cokeAdmin));

beforeAll(async () => {
  await store.register([application, users], { roles: TENANT_ROLES });
  await store.register([appUsers], { roles: GLOBAL_ROLES });
  await store.register([group], {
    roles: {
      tenant_auditor: 'instance_reader',
      tenant_admin: 'instance_writer',
      service_auditor: 'instance_reader',
      service_admin: 'instance_writer',
    },
  });
  await store.register([persons], { roles: { service_auditor: 'instance_reader', service_admin: 'instance_writer' } });
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('a record of one instance lives through its revisions, unseen by the other', async () => {
  const key = 'withRevisionId-12345';
  await americas.insert(group, { id: key, name: 'withRevisionName', instanceId: 'Americas', revision: 0 });
  expect(await americas.find(group, key)).toMatchObject({ name: 'withRevisionName', revision: 0 });
  await expect(europe.find(group, key)).rejects.toThrow(RecordNotFoundError);
  expect(await americas.update(group, { id: key, name: 'updatedGroup', revision: 0 })).toMatchObject({ revision: 1 });
  expect(await americas.upsert(group, { id: key, name: 'upserted', revision: 1 })).toMatchObject({ revision: 2 });
  await expect(americas.update(group, { id: key, name: 'x', revision: 100 })).rejects.toThrow(RevisionConflictError);
  await expect(americas.upsert(group, { id: key, name: 'x', revision: 1 })).rejects.toThrow(RevisionConflictError);
  expect(await americas.find(group, key)).toMatchObject({ name: 'upserted', revision: 2 });
  const auditor = store.as(inEurope({ orgId: 'Coke', roles: ['tenant_auditor'] }));
  await expect(auditor.delete(group, key)).rejects.toThrow(OperationNotAllowedError);
  expect(await europe.delete(group, key)).toBe(0);
  expect(await americas.delete(group, key)).toBe(1);
});

test('the same id in two instances means two persons', async () => {
  const [dev, prod] = ['Dev', 'Prod'].map((instanceId) => store.as({ ...serviceAdmin, instanceId })) as [
    typeof americas,
    typeof americas,
  ];
  await dev.insert(persons, { id: 'P1337', name: 'Bob', age: 31, instanceId: 'Dev' });
  await prod.insert(persons, { id: 'P1337', name: 'John', age: 36, instanceId: 'Prod' });
  await dev.insert(persons, { id: 'P3', name: 'Pat', age: 39 });
  expect(await dev.find(persons, 'P1337')).toMatchObject({ name: 'Bob', age: 31, instanceId: 'Dev' });
  expect(await prod.find(persons, 'P1337')).toMatchObject({ name: 'John', age: 36, instanceId: 'Prod' });
  expect(await dev.find(persons, 'P3')).toMatchObject({ name: 'Pat', instanceId: 'Dev' });
  await expect(prod.find(persons, 'P3')).rejects.toThrow(RecordNotFoundError);
});

test('a transaction of two tables and two kinds of tenancy lives from insert to delete', async () => {
  const user = {
    id: 'u',
    name: 'u',
    email: 'u',
    email_confirmed: false,
    num_following: 1,
    num_followers: 1n,
    app_id: 'a',
    msg: new Uint8Array([1]),
  };
  const tables = [application, appUsers];
  await americas.transaction(
    async (tx) => {
      await tx.insert(application, { id: 'a', name: 'a' });
      await tx.insert(appUsers, user);
    },
    { tables },
  );
  await americas.transaction(
    async (tx) => {
      expect(await tx.softDelete(application, 'a')).toBe(1);
      expect(await tx.softDelete(appUsers, 'u')).toBe(1);
    },
    { tables },
  );
  await americas.transaction(
    async (tx) => {
      expect(await tx.findMany(application)).toEqual([]);
      expect(await tx.findMany(appUsers)).toEqual([]);
      expect(await tx.delete(application, 'a')).toBe(1);
      expect(await tx.delete(appUsers, 'u')).toBe(1);
      await expect(tx.find(appUsers, 'u', { includeDeleted: true })).rejects.toThrow(RecordNotFoundError);
    },
    { tables },
  );
});

test('an open reader does not block a writer', async () => {
  await americas.insert(users, { id: 'busy', name: 'a', age: 1 });
  const written = await americas.transaction(async (reader) => {
    await reader.find(users, 'busy');
    return americas.transaction((writer) => writer.update(users, { id: 'busy', name: 'b', age: 2, revision: 1 }));
  });
  expect(written).toMatchObject({ name: 'b', revision: 2 });
});

test('values that are not a record, a key or a list are refused, and no query runs', async () => {
  for (const wrong of [null, 5, 'text', [], () => {}]) {
    await expect(americas.insert(users, wrong as never)).rejects.toThrow(InvalidRecordError);
    await expect(americas.findMany(users, { where: wrong as never })).rejects.toThrow(
      Array.isArray(wrong) || typeof wrong !== 'object' || wrong === null ? InvalidRecordError : Error,
    );
  }
});

describe('faults of the seed library', () => {
  test.skipIf(
    cannotHoldOnCitus(
      'the roles have LOGIN without a password, because the coordinator connects to the nodes as the role in force',
    ),
  )('the eight roles and the service role cannot log in and have no password', async () => {
    const { rows } = await withClient(database.adminUrl, (client) =>
      client.query(
        `select count(*)::int as roles, count(*) filter (where rolcanlogin or rolpassword is not null)::int as logins
         from pg_authid where starts_with(rolname, 'intendant_${database.name}_')`,
      ),
    );
    expect(rows).toEqual([{ roles: 9, logins: 0 }]);
  });

  test('an operation outside a transaction is held to the instance as one inside is', async () => {
    await americas.insert(group, { id: 'held', name: 'americas' });
    const attempts = (session: Pick<typeof europe, 'findMany' | 'count' | 'delete'>) =>
      Promise.all([
        session.findMany(group, { where: { id: 'held' } }),
        session.count(group),
        session.delete(group, 'held'),
      ]);
    expect(await attempts(europe)).toEqual([[], 0, 0]);
    expect(await europe.transaction((tx) => attempts(tx))).toEqual([[], 0, 0]);
    expect(await americas.delete(group, 'held')).toBe(1);
  });

  test('reads that fail leave no transaction and no connection behind', async () => {
    await using small = await createDataStore({
      ...onTestServer,
      connection: database.url,
      adminConnection: database.adminUrl,
      pool: { max: 2 },
    });
    await small.register([users], { roles: TENANT_ROLES });
    const session = small.as(cokeAdmin);
    for (let round = 0; round < 10; round++) {
      await expect(session.find(users, 'nobody')).rejects.toThrow(RecordNotFoundError);
      await expect(session.findMany(users, { where: { age: 2 ** 40 } })).rejects.toThrow(InvalidRecordError);
      await expect(session.transaction((tx) => tx.query('select 1 / 0'))).rejects.toThrow(InvalidRecordError);
    }
    const { rows } = await withClient(database.adminUrl, (client) =>
      client.query(
        `select count(*)::int as count from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
      ),
    );
    expect(rows).toEqual([{ count: 0 }]);
    expect(small.stats().total).toBeLessThanOrEqual(2);
    expect(small.stats().idle).toBe(small.stats().total);
  });
});
