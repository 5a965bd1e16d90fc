import { withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { auditIsolation, createDataStore, defineTable, type IsolationRule } from '../index.ts';
import { internalsOf } from '../internal.ts';
import {
  adminOf,
  application,
  cokeAdmin,
  letInherit,
  onTestServer,
  openTestStore,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

const place = defineTable('Place', { schema: z.object({ id: z.string() }), instanced: true });

const fixture = await openTestStore();
const { store, database } = fixture;
const login = new URL(database.url).username;
const role = (name: string) => `intendant_${database.name}_${name}`;
const asAdmin = adminOf(database);
const strangers = [`eve_${database.name}`, `boss_${database.name}`];

beforeAll(async () => {
  await store.register([application, place], { roles: TENANT_ROLES });
  await store.as(cokeAdmin).insert(application, { id: 'a', name: 'a' });
  for (const stranger of strangers) await asAdmin(`create role ${stranger}`);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  const server = database.adminUrl.replace(database.name, 'postgres');
  for (const stranger of strangers)
    await withClient(server, (client) => client.query(`drop role if exists ${stranger}`));
});
beforeEach(async () => {
  expect(await auditIsolation(store)).toEqual([]);
});

const [eve, boss] = strangers as [string, string];
const breaches: [what: string, rule: IsolationRule, subject: string, sql: string][] = [
  ['row security that is off', 'row-security', 'application', 'alter table application disable row level security'],
  ['row security that its owner escapes', 'row-security', 'Place', 'alter table "Place" no force row level security'],
  [
    'a policy of the same name with another condition',
    'policy',
    'application',
    'alter policy intendant_tenant_reader on application using (true)',
  ],
  [
    'a policy of the same name that checks no writes',
    'policy',
    'application',
    'alter policy intendant_tenant_writer on application with check (true)',
  ],
  [
    'a policy of the same name for everybody',
    'policy',
    'application',
    'alter policy intendant_writer on application to public',
  ],
  ['a policy that was added', 'policy', 'application', 'create policy extra on application using (true)'],
  ['a policy that is missing', 'policy', 'Place', 'drop policy intendant_tenant_instance_reader on "Place"'],
  ['rights of somebody else', 'grant', 'application', `grant select on application to ${eve}`],
  ['rights of everybody', 'grant', 'application', 'grant select on application to public'],
  ['rights on one column', 'grant', 'application', `grant select (name) on application to ${eve}`],
  ['a reader that may write', 'grant', 'application', `grant update (name) on application to ${role('reader')}`],
  [
    'truncate, which no policy holds back',
    'grant',
    'application',
    `grant truncate on application to ${role('writer')}`,
  ],
  ['rights to give on', 'grant', 'application', `grant select on application to ${role('reader')} with grant option`],
  ['rights that are missing', 'grant', 'application', `revoke select on application from ${role('tenant_reader')}`],
  ['a table of the login', 'table-owner', 'application', `alter table application owner to ${login}`],
  [
    'a table of a role that the login can act as',
    'table-owner',
    'application',
    `alter table application owner to ${boss}; grant ${boss} to ${login}`,
  ],
  ['a login that escapes row security', 'login-attribute', login, `alter role ${login} bypassrls`],
  ['a login that is a superuser', 'login-attribute', login, `alter role ${login} superuser`],
  ['a login that may read the log', 'login-attribute', login, `alter role ${login} replication`],
  ['a login that may make roles', 'login-attribute', login, `alter role ${login} createrole`],
  [
    'a role that escapes row security',
    'login-attribute',
    role('tenant_reader'),
    `alter role ${role('tenant_reader')} bypassrls`,
  ],
  ['a login that inherits', 'membership', login, letInherit(role('writer'), login)],
  ['a login that cannot act as a role', 'membership', role('reader'), `revoke ${role('reader')} from ${login}`],
  ['a member that inherits', 'membership', eve, letInherit(role('writer'), eve)],
  [
    'a login that can become somebody who escapes row security',
    'membership',
    login,
    `alter role ${boss} bypassrls; grant ${boss} to ${login}`,
  ],
  ["a login that reads the server's files", 'membership', login, `grant pg_read_server_files to ${login}`],
  ['an org preset for the login', 'preset', login, `alter role ${login} set intendant.org_id = 'Coke'`],
  [
    'an org preset for the database',
    'preset',
    database.name,
    `alter database ${database.name} set intendant.org_id = 'Coke'`,
  ],
  ['a view', 'view', 'peek', `create view peek as select * from application; grant select on peek to ${login}`],
  [
    'a view over a view',
    'view',
    'peek2',
    `create view peek1 with (security_invoker = true) as select * from "Place";
     create view peek2 as select * from peek1; grant select on peek2 to public`,
  ],
  [
    'a materialized view',
    'view',
    'copied',
    `create materialized view copied as select * from application; grant select on copied to ${role('reader')}`,
  ],
  [
    'a function that runs as its owner',
    'function',
    'public.peek(wanted text)',
    `create function peek(wanted text) returns setof application language sql security definer
     as 'select * from application where id = wanted'`,
  ],
  [
    'a function that is called before the policy hides a row',
    'function',
    'public.tell(text)',
    `create function tell(text) returns boolean language plpgsql leakproof cost 0.0000001
     as 'begin raise notice ''%'', $1; return true; end'`,
  ],
];

test.each(breaches)('%s is found, and the SQL of the finding repairs it', async (_what, rule, subject, breach) => {
  await asAdmin(breach);
  const findings = await auditIsolation(store);
  expect(findings).toContainEqual(expect.objectContaining({ rule, subject }));
  for (const { sql } of findings) await asAdmin(sql);
  expect(await auditIsolation(store)).toEqual([]);
  await asAdmin(`
    drop view if exists peek, peek2, peek1; drop materialized view if exists copied;
    drop function if exists peek(text), tell(text);
    alter role ${boss} nobypassrls; revoke ${boss} from ${login}`);
});

test('a missing table is found, and register creates it again', async () => {
  await asAdmin('drop table "Place"');
  expect(await auditIsolation(store)).toEqual([expect.objectContaining({ rule: 'table-missing', subject: 'Place' })]);
  await store.register([place], { roles: TENANT_ROLES });
});

test("an unregistered table with orgs is checked too, if the store's roles can access it", async () => {
  await asAdmin(`create table legacy (org_id text, id text); grant select on legacy to ${role('tenant_reader')}`);
  const rules = (await auditIsolation(store)).map(({ rule, subject }) => `${subject}: ${rule}`);
  expect(new Set(rules)).toEqual(new Set(['legacy: row-security', 'legacy: policy', 'legacy: grant']));
  await asAdmin('drop table legacy');
});

test('a connection that still has a tenant’s role is found, without naming the tenant', async () => {
  const client = await internalsOf(store).pool.connect();
  await client.query(`select set_config('intendant.org_id', 'Coke', false)`);
  client.release();
  const findings = await auditIsolation(store);
  expect(findings).toEqual([expect.objectContaining({ rule: 'connection' })]);
  expect(JSON.stringify(findings)).not.toContain('Coke');
  for (const { sql } of findings) await asAdmin(sql);
});

test('a store whose application login is the administrator is a finding', async () => {
  await using careless = await createDataStore({ ...onTestServer, connection: database.adminUrl });
  const findings = await auditIsolation(careless);
  expect(findings).toContainEqual(
    expect.objectContaining({
      rule: 'login-attribute',
      message: expect.stringContaining('another login than the admin'),
    }),
  );
});
