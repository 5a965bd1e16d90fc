/*
 * Proves with pgrls (PyPI, https://pypi.org/project/pgrls/) that no anonymous session and no other tenant reads or writes
 * a tenant's row: registers tables of every kind with their feed and their statuses, writes some records, lints, and lets
 * the solver look at every policy that is held to an org. Policies of roles that see all orgs by design (the service
 * role, the owner, reader, writer and the instance ones) and of rows that belong to no org are set aside, in this scratch
 * database alone.
 *
 *   python3 -m venv /tmp/pgrls && /tmp/pgrls/bin/pip install 'pgrls==0.57'
 *   PGRLS=/tmp/pgrls/bin/pgrls node scripts/prove-isolation.ts
 */
import { spawnSync } from 'node:child_process';
import { createDataStore, defineTable, SimpleInstancer } from '@intendant/core';
import { startDevDatabase } from '@intendant/devdb';
import { withClient } from '@intendant/devdb/testing';
import { createRealization } from '@intendant/realization';
import { createSubscriptions } from '@intendant/subscription';
import { z } from 'zod';

const PGRLS = process.env['PGRLS'] ?? 'pgrls';
const SCHEMAS = 'public,intendant,intendant_jobs';

const vm = defineTable('vm', { schema: z.object({ id: z.string(), region: z.string() }), instanced: true });
const plan = defineTable('plan', { schema: z.object({ id: z.string() }), tenancy: 'shared' });
const roles = { tenant_admin: 'tenant_writer', service_admin: 'writer' } as const;

function pgrls(url: string, ...rest: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(PGRLS, [...rest, '--database-url', url, '--schemas', SCHEMAS], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (error) throw new Error(`${PGRLS}: ${error.message}; see the head of this script for how to install it`);
  return { status, output: stdout + stderr };
}

async function populate(url: string, adminConnection: string): Promise<void> {
  await using store = await createDataStore({ connection: url, adminConnection, instancer: new SimpleInstancer() });
  const subscriptions = await createSubscriptions({ store, records: ['vm'] });
  const realization = await createRealization({ store, subscriptions });
  await store.register([plan], { roles });
  await realization.register([vm], { roles });
  for (const orgId of ['Coke', 'Pepsi']) {
    const session = realization.as({ orgId, roles: ['tenant_admin'], instanceId: 'Americas' });
    await session.persistIntent(vm, { id: 'VM1', region: 'us-west-1' }, { enforcementPoints: ['E1'] });
  }
}

/** Policies of roles and rows that belong to no org by design. */
const SET_ASIDE = `
  do $do$ declare p record; begin
    for p in
      select format('drop policy %I on %I.%I', polname, nspname, relname) as sql
      from pg_policy join pg_class c on c.oid = polrelid join pg_namespace n on n.oid = relnamespace
      where polname !~ '^intendant_tenant_' or polname like '%\\_shared'
    loop execute p.sql; end loop;
  end $do$`;

/** Tables without remaining policies, and shared tables, give the solver nothing to decide. */
const WITHOUT_TENANTS = `
  do $do$ declare t record; begin
    for t in
      select format('drop table %I.%I cascade', nspname, relname) as sql
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where nspname in ('public', 'intendant', 'intendant_jobs') and relkind in ('r', 'p') and not relispartition
        and not exists (
          select from pg_policy where polrelid = c.oid and pg_get_expr(polqual, polrelid) like '%org_id%')
    loop execute t.sql; end loop;
    for t in
      select format('drop table %I.%I cascade', nspname, relname) as sql
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where nspname in ('public', 'intendant', 'intendant_jobs') and relkind = 'r' and relispartition
    loop execute t.sql; end loop;
  end $do$`;

const server = await startDevDatabase({ fsync: false });
try {
  const app = Object.assign(new URL(server.url), { username: 'app', password: 'app' }).href;
  await withClient(server.url, (client) => client.query(`create role app login noinherit password 'app'`));
  await populate(app, server.url);
  const lint = pgrls(server.url, 'lint');
  console.log(lint.output);
  await withClient(server.url, (client) => client.query(SET_ASIDE));
  await withClient(server.url, (client) => client.query(WITHOUT_TENANTS));
  for (const mode of ['anon', 'cross-tenant', 'write']) {
    const { status, output } = pgrls(server.url, 'verify', '--strict', '--mode', mode);
    console.log(`verify --mode ${mode}: ${status === 0 ? 'proven' : 'NOT PROVEN'}\n${output}`);
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  await server.stop();
}
