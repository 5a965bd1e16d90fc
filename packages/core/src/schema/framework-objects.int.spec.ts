import { withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auditIsolation, createDataStore, type DataStore, defineTable } from '../index.ts';
import {
  compareFramework,
  type FrameworkObjects,
  internalsOf,
  keepAtCoordinator,
  serviceScope,
  sessionInternalsOf,
} from '../internal.ts';
import {
  adminOf,
  cokeAdmin,
  onTestServer,
  openTestStore,
  pepsiAdmin,
  serviceAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

/*
 * A part of the framework with a table of its own: tenants' triggers fill it through a SECURITY DEFINER function, tenants
 * read their rows, the service role works on it. The admin who registers it is not a superuser, so that row security holds
 * for the owner too.
 */
const fixture = await openTestStore();
const { database } = fixture;
const login = new URL(database.url).username;
const deployer = `${database.name}_deployer`;
const role = (name: string) => `intendant_${database.name}_${name}`;
const asAdmin = adminOf(database);
const asLogin = (sql: string) => withClient(database.url, (client) => client.query(sql));

// On Citus no trigger on the shards could fill another table.
const note = keepAtCoordinator(defineTable('note', { schema: z.object({ id: z.string() }) }));
const plain = keepAtCoordinator(defineTable('plain', { schema: z.object({ id: z.string() }), tenancy: 'shared' }));

const OBJECTS: FrameworkObjects = {
  tables: [
    { name: 'diary', callers: { org: 'nullable', instance: 'absent' } },
    { name: 'secret', service: ['select', 'insert'] },
  ],
  sequences: { diary_seq: { service: ['usage'] } },
  functions: { 'intendant.note_down()': [], 'intendant.peek()': ['service', 'tenant_reader'] },
};

const CREATE = `
  create sequence intendant.diary_seq;
  create table intendant.diary (seq bigint primary key default nextval('intendant.diary_seq'), org_id text, entry text) partition by range (seq);
  create table intendant.diary_1 partition of intendant.diary default;
  create table intendant.secret (word text);
  create function intendant.note_down() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      insert into intendant.diary (org_id, entry) values (to_jsonb(new) ->> 'org_id', new.id);
      return new;
    end $$;
  create function intendant.peek() returns bigint language sql as 'select 1::bigint'`;

let store: DataStore;

beforeAll(async () => {
  await asAdmin(
    `create role ${deployer} login createrole password 'x'; grant create on database ${database.name} to ${deployer}`,
  );
  const adminConnection = Object.assign(new URL(database.adminUrl), { username: deployer, password: 'x' }).href;
  store = await createDataStore({ ...onTestServer, connection: database.url, adminConnection, schema: 'app' });
  await store.register([note, plain], { roles: { ...TENANT_ROLES, tenant_admin: 'tenant_writer' } });
  internalsOf(store).addSchemaPart({
    name: 'diary',
    plan: async (client, tables) => {
      const { rows } = await client.query(`select to_regclass('intendant.diary') is not null as found`);
      const triggers = tables.map(
        ({ qualifiedName }) =>
          `create trigger note_down before insert on ${qualifiedName} for each row execute function intendant.note_down()`,
      );
      return rows[0].found ? [] : [CREATE, ...triggers];
    },
    objects: async () => [OBJECTS],
  });
  await internalsOf(store).applySchema();
  await store.as(cokeAdmin).insert(note, { id: 'of Coke' });
  await store.as(pepsiAdmin).insert(note, { id: 'of Pepsi' });
  await store.as(serviceAdmin).insert(plain, { id: 'of all' });
});

afterAll(async () => {
  await store.close();
  await fixture[Symbol.asyncDispose]();
  const server = Object.assign(new URL(database.adminUrl), { pathname: '/postgres' }).href;
  await withClient(server, (client) => client.query(`drop role ${deployer}`));
});

const entries = async (org: string): Promise<unknown> =>
  withClient(database.url, async (client) => {
    await client.query('begin');
    await client.query(`select set_config('role', $1, true), set_config('intendant.org_id', $2, true)`, [
      role('tenant_reader'),
      org,
    ]);
    return (await client.query('select entry from intendant.diary order by seq')).rows.map(({ entry }) => entry);
  });

test("tenants' triggers fill a table on which row security holds for its owner too", async () => {
  const { executor } = internalsOf(store);
  const [found] = await executor.run(serviceScope, [{ text: 'select entry from intendant.diary order by seq' }]);
  expect(found?.rows).toEqual([['of Coke'], ['of Pepsi'], ['of all']]);
});

test('a tenant reads its own rows and those that belong to all, and without an org only these', async () => {
  expect(await entries('Coke')).toEqual(['of Coke', 'of all']);
  expect(await entries('Pepsi')).toEqual(['of Pepsi', 'of all']);
  expect(await entries('')).toEqual(['of all']);
});

test.each([
  'select * from intendant.diary',
  'select * from intendant.diary_1',
  'select * from intendant.secret',
  'delete from intendant.secret',
  `select nextval('intendant.diary_seq')`,
  'select last_value from intendant.diary_seq',
  'select intendant.peek()',
  'select intendant.note_down()',
])('the bare login may not: %s', async (sql) => {
  await expect(asLogin(sql)).rejects.toThrow('permission denied');
});

test('the service role has exactly the given rights', async () => {
  const { executor } = internalsOf(store);
  await executor.run(serviceScope, [{ text: `insert into intendant.secret values ('x')` }]);
  await expect(executor.run(serviceScope, [{ text: 'delete from intendant.secret' }])).rejects.toThrow('permission');
  await expect(executor.run(serviceScope, [{ text: 'select * from app.note' }])).rejects.toThrow('permission');
  const count = await internalsOf(store).inServiceTransaction(async (client) => {
    const { rows } = await client.query<{ count: number }>('select count(*)::int as count from intendant.secret');
    return rows[0]?.count;
  });
  expect(count).toBe(1);
});

test("inside a tenant's transaction the service role ends with its statements, whatever came before", async () => {
  const service = { text: 'select current_user::text' };
  for (const options of [{}, { tables: [note] }]) {
    const seen = await store.as(cokeAdmin).transaction(async (tx) => {
      const { executor } = sessionInternalsOf(tx);
      const asService = async () => (await executor.run(serviceScope, [service]))[0]?.rows[0]?.[0];
      const first = await asService();
      const own = await tx.findMany(note);
      const second = await asService();
      await executor.run(serviceScope, [{ text: `select 1` }]);
      const own2 = await tx.findMany(note);
      await expect(
        tx.transaction(async () => {
          await asService();
          throw new Error('undone');
        }),
      ).rejects.toThrow('undone');
      const { rows } = await tx.query<{ role: string; org: string }>(
        `select current_user::text as role, current_setting('intendant.org_id') as org`,
      );
      return { first, second, own: own.map(({ id }) => id), own2: own2.length, ...rows[0] };
    }, options);
    expect(seen).toEqual({
      first: role('service'),
      second: role('service'),
      own: ['of Coke'],
      own2: 1,
      role: role('tenant_writer'),
      org: 'Coke',
    });
  }
});

describe('register repairs what an older version or manual changes left', () => {
  const damages = {
    "the login's rights": `grant usage on schema intendant to ${login}; grant all on intendant.diary, intendant.diary_1, intendant.secret, intendant.diary_seq to ${login}; grant execute on function intendant.peek() to ${login}`,
    "everybody's rights": `grant usage, create on schema intendant to public; grant select (word) on intendant.secret to public; grant execute on function intendant.note_down(), intendant.peek() to public`,
    'row security that is off': 'alter table intendant.secret disable row level security',
    'row security that is not forced': 'alter table intendant.diary_1 no force row level security',
    'a policy that widens': `create policy ${login} on intendant.diary for select to ${login} using (true)`,
    'a condition that was altered': 'alter policy intendant_tenant_reader on intendant.diary using (true)',
    'a condition that was altered by its parentheses': `alter policy intendant_tenant_instance_writer on intendant.diary using (org_id = 'Pepsi')`,
    'a policy that checked no writes':
      'drop policy intendant_service on intendant.secret; create policy intendant_service on intendant.secret using (true)',
    'a right that was lost': `revoke insert on intendant.secret from ${role('service')}`,
    'a call that was lost': `revoke execute on function intendant.peek() from ${role('tenant_reader')}`,
    'a membership that was revoked': `revoke ${role('service')} from ${login} granted by ${deployer}`,
  };

  test.each(Object.entries(damages))('%s', async (_what, damage) => {
    await asAdmin(damage);
    expect(await store.planSchema()).not.toEqual([]);
    expect((await auditIsolation(store)).length).toBeGreaterThan(0);
    await store.register([note, plain]);
    expect(await auditIsolation(store)).toEqual([]);
    expect(await store.planSchema()).toEqual([]);
    const left = await internalsOf(store).withAdmin((client) =>
      compareFramework(client, OBJECTS, internalsOf(store).roleName),
    );
    expect(left).toEqual([]);
  });
});

test('a login without an administrator finds that nothing is missing, and says so when something is', async () => {
  await using own = await createDataStore({ ...onTestServer, connection: database.url, schema: 'app' });
  await own.register([note, plain]);
  const more = defineTable('more', { schema: z.object({ id: z.string() }) });
  await expect(own.register([more])).rejects.toThrow('no adminConnection was given');
});
