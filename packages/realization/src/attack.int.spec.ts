import { createDataStore, defineTable } from '@intendant/core';
import { testDatabase, withClient } from '@intendant/devdb/testing';
import { createSubscriptions } from '@intendant/subscription';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createRealization } from './realization.ts';
import { feedThere, onTestServer } from './testing/fixture.ts';

/*
 * All packages at once, tried with the login's own password and without a role: docs/security.md says that every statement
 * on every table, sequence and function of ours ends in "permission denied".
 */
const database = await testDatabase();
const store = await createDataStore({
  connection: database.url,
  adminConnection: database.adminUrl,
  ...onTestServer,
});
const subscriptions = await createSubscriptions({ store, records: ['vm'], ...feedThere });
const realization = await createRealization({ store, subscriptions });
const vm = defineTable('vm', { schema: z.object({ id: z.string() }) });
await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
await realization
  .as({ orgId: 'Pepsi', roles: ['tenant_admin'] })
  .persistIntent(vm, { id: 'VM1' }, { enforcementPoints: ['E1'] });

afterAll(async () => {
  await store.close();
  await database.drop();
});

interface Target {
  readonly kind: 'r' | 'p' | 'S' | 'f' | 'v';
  readonly name: string;
  readonly parameters: string;
}

const TARGETS = `
  select c.relkind::text as kind, c.oid::regclass::text as name, '' as parameters
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'intendant', 'intendant_jobs') and c.relkind in ('r', 'p', 'S', 'v', 'm')
    and c.relname not in ('citus_tables', 'citus_schemas')
  union all
  select 'f', format('%I.%I', n.nspname, p.proname),
    (select coalesce(string_agg('null::' || t::regtype, ', '), '') from unnest(p.proargtypes) t)
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('public', 'intendant', 'intendant_jobs') and p.prokind = 'f'
  order by 1, 2`;

const statementsOn = ({ kind, name, parameters }: Target): string[] => {
  if (kind === 'f') return [`select ${name}(${parameters})`];
  if (kind === 'S')
    return [`select nextval('${name}')`, `select setval('${name}', 1)`, `select last_value from ${name}`];
  return [
    `select count(*) from ${name}`,
    `insert into ${name} default values`,
    `delete from ${name}`,
    `truncate ${name}`,
    `do $$ begin lock table ${name} in access share mode; end $$`,
    `copy ${name} to stdout`,
  ];
};

test('the bare login is refused every statement on every table, sequence and function of ours', async () => {
  const targets = await withClient(database.adminUrl, async (client) => (await client.query<Target>(TARGETS)).rows);
  expect(targets.length).toBeGreaterThan(40);
  const allowed: string[] = [];
  await withClient(database.url, async (client) => {
    for (const sql of targets.flatMap(statementsOn)) {
      const heard = await client.query(sql).then(
        () => 'done',
        (error: Error) => error.message,
      );
      if (!heard.startsWith('permission denied')) allowed.push(`${sql}: ${heard}`);
    }
  });
  expect(allowed).toEqual([]);
});

test('a tenant writes none of the framework’s tables by hand, and sees of them its own rows alone', async () => {
  await withClient(database.url, async (client) => {
    const role = `intendant_${database.name}_tenant_writer`;
    for (const name of [...(subscriptions ? ['change_log'] : []), 'status_history', 'status_count', 'status_change']) {
      await client.query('begin');
      await client.query(`select set_config('role', $1, true), set_config('intendant.org_id', 'Coke', true)`, [role]);
      expect((await client.query(`select * from intendant.${name}`)).rows, name).toEqual([]);
      await expect(client.query(`delete from intendant.${name}`)).rejects.toThrow('permission denied');
      await client.query('rollback');
    }
  });
});
