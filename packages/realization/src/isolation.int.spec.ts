import { auditIsolation, createDataStore, defineTable, SimpleInstancer } from '@intendant/core';
import { isOnCitus, nodeUrls, testDatabase, withClient } from '@intendant/devdb/testing';
import { createSubscriptions } from '@intendant/subscription';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createRealization } from './index.ts';
import { feedThere, onTestServer } from './testing/fixture.ts';

const vm = defineTable('vm', { schema: z.object({ id: z.string(), region: z.string() }), instanced: true });

/** A database with realization and a feed. */
async function openService() {
  const closing = new AsyncDisposableStack();
  const database = closing.use(await testDatabase());
  const store = closing.use(
    await createDataStore({
      connection: database.url,
      adminConnection: database.adminUrl,
      instancer: new SimpleInstancer(),
      ...onTestServer,
    }),
  );
  const subscriptions = closing.use(await createSubscriptions({ store, ...feedThere }));
  const realization = closing.use(await createRealization({ store, subscriptions }));
  await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
  return { database, store, realization, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

test('with realization and a feed installed, the audit of the database finds nothing', async () => {
  await using service = await openService();
  const { store, realization } = service;
  const session = realization.as({ orgId: 'Coke', instanceId: 'Americas', roles: ['tenant_admin'] });
  await session.persistIntent(vm, { id: 'VM1', region: 'us-west-1' }, { enforcementPoints: ['E1'] });
  expect(await auditIsolation(store)).toEqual([]);
});

/** Takes the place of operators and functions, and fails where it runs with the rights of their owner. */
const SHADOWS = `
  create schema evil;
  grant usage on schema evil to public;
  create function evil.refuse() returns void language plpgsql as $$
  begin
    if current_user operator(pg_catalog.=) '%OWNER%' then raise exception 'a shadow ran as the owner'; end if;
  end $$;
  create function evil.same(a text, b text) returns boolean language plpgsql immutable as $$
    begin perform evil.refuse(); return a operator(pg_catalog.=) b; end $$;
  create function evil.differs(a text, b text) returns boolean language plpgsql immutable as $$
    begin perform evil.refuse(); return a operator(pg_catalog.<>) b; end $$;
  create function evil.joined(a text, b text) returns text language plpgsql immutable as $$
    begin perform evil.refuse(); return a operator(pg_catalog.||) b; end $$;
  create function evil.clock_timestamp() returns timestamptz language plpgsql immutable as $$
    begin perform evil.refuse(); return pg_catalog.clock_timestamp(); end $$;
  create function evil.length(a text) returns integer language plpgsql immutable as $$
    begin perform evil.refuse(); return pg_catalog.length(a); end $$;
  create operator evil.= (leftarg = text, rightarg = text, function = evil.same);
  create operator evil.<> (leftarg = text, rightarg = text, function = evil.differs);
  create operator evil.|| (leftarg = text, rightarg = text, function = evil.joined)`;

test('names and operators of a caller’s own schema never run with the rights of the owner', async () => {
  await using service = await openService();
  const { database, store, realization } = service;
  for (const url of isOnCitus() ? await nodeUrls(database.adminUrl) : [database.adminUrl])
    await withClient(url, async (client) => {
      if (isOnCitus()) await client.query('set citus.enable_ddl_propagation = off'); // It would create a part on the other nodes.
      const { rows } = await client.query<{ name: string }>('select current_user::text as name');
      await client.query(SHADOWS.replace('%OWNER%', rows[0]?.name ?? ''));
    });
  const coke = { orgId: 'Coke', instanceId: 'Americas', roles: ['tenant_admin'] };
  await store.as(coke).transaction(async (tx) => {
    const r = realization.in(tx);
    await tx.query('set local search_path = evil, pg_catalog, public');
    const { record } = await r.persistIntent(vm, { id: 'VM1', region: 'us' }, { enforcementPoints: ['E1'] });
    await r.markError(vm, record, 'E1', 'first');
    await r.markError(vm, record, 'E1', 'second');
    await r.markSuccess(vm, record, 'E1');
    await tx.query(`select intendant.add_job('public/vm/E2', '["Coke", "VM1"]', 'Coke/VM1', 'Coke', 0)`);
    await tx.query(
      `select * from intendant.mark_public_vm('Coke', 'Americas', 'VM1', 'E1', 1, 800, false, null, false, true) as m (a text, b bigint)`,
    );
    await r.softDelete(vm, 'VM1');
  });
  const transitions = await realization.as(coke).history(vm, 'VM1');
  expect(transitions.map(({ message }) => message)).toContain('ERROR second at revision 1');
});
