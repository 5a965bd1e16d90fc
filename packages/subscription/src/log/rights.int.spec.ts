import { eventually, withClient } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { coke, note, openFixture, vm } from '../testing/fixture.ts';

const fixture = await openFixture();
const { store, database, admin, subscriptions, writeNotes } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

/** Only locks of this database: specs share the server. */
const HERE = '(select oid from pg_database where datname = current_database()) = database';

const broken = await subscriptions.subscribe(
  'note',
  () => {
    throw new Error('put it aside');
  },
  { name: 'rights', maxAttempts: 1 },
);
await writeNotes('secret');
await broken.close();

const { rows: relations } = await admin.query<{ name: string; kind: string }>(
  `select format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'intendant' and c.relkind in ('r', 'p')
     and (c.relname like 'change_log%' or c.relname in ('durable_subscription', 'cursor', 'cursor_member', 'acknowledged', 'dead_letter', 'announcement', 'relay_leader'))
   order by 1`,
);
const tables = relations.map(({ name }) => name);

test('the login without a role can neither read nor change the feed', async () => {
  expect(tables.length).toBeGreaterThan(8);
  await withClient(database.url, async (client) => {
    for (const table of tables) {
      for (const statement of [`select from ${table}`, `delete from ${table}`, `truncate ${table}`])
        await expect(client.query(statement)).rejects.toThrow(/permission denied/);
    }
    for (const statement of [
      `select nextval('intendant.change_seq')`,
      `select intendant.keep_change_log('0 seconds', 1)`,
      `insert into intendant.change_log (table_name, operation, key) values ('public.note', 'd', '{secret}')`,
    ])
      await expect(client.query(statement)).rejects.toThrow(/permission denied/);
  });
});

test("a tenant's role can read its own changes and where the log begins, and nothing else", async () => {
  const open = new Set(['intendant.change_log', 'intendant.change_log_identity']);
  for (const table of tables) {
    const read = store.as(coke).transaction((tx) => tx.query(`select from ${table}`), { tables: [note] });
    if (open.has(table)) await read;
    else await expect(read).rejects.toThrow(/has no right/);
    const erase = store.as(coke).transaction((tx) => tx.query(`delete from ${table}`), { tables: [note] });
    await expect(erase).rejects.toThrow(/has no right/);
  }
});

test("a tenant's SQL can neither replace the relay nor silence writers, nor block a durable name", async () => {
  const forge = (sql: string) => store.as(coke).transaction((tx) => tx.query(sql), { tables: [note] });
  for (const sql of [
    `select setval('intendant.doorbell', 2)`,
    `select intendant.ring(1)`,
    `select intendant.announce('x', 'x', 0, 0, 0, true)`,
  ])
    await expect(forge(sql)).rejects.toThrow(/has no right/);
  const seen: unknown[] = [];
  await store.as(coke).transaction(
    async (tx) => {
      // Every advisory lock that is held now, as soon as it is free, and those of the next members.
      await tx.query(
        `select pg_try_advisory_lock(classid::int, objid::int) from pg_locks where locktype = 'advisory' and objsubid = 2 and ${HERE}`,
      );
      await tx.query(
        `select pg_try_advisory_lock(1768846437, n), pg_try_advisory_lock(1768846436, n) from generate_series(1, 50) n`,
      );
      const waiting = tx
        .query(
          `select pg_advisory_lock((classid::bigint << 32) + objid::bigint) from pg_locks where locktype = 'advisory' and objsubid = 1 and granted and ${HERE} limit 1`,
        )
        .then(() => tx.query('select pg_notify($1, $2)', ['intendant_doorbell', 'open']));
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'intendant relay' and datname = current_database()`,
      );
      await waiting;
      const subscription = await subscriptions.subscribe('note', ({ key }) => seen.push(key['id']), {
        name: 'held up',
      });
      await writeNotes('despite it');
      await eventually(() => expect(seen).toEqual(['despite it']));
      await subscription.close();
    },
    { tables: [note] },
  );
});

test('every table of the feed has row security that holds for its owner, its partitions too', async () => {
  await admin.query(`select intendant.keep_change_log('100 years', 50)`);
  const { rows } = await admin.query(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'intendant' and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)`,
  );
  expect(rows.filter(({ name }) => tables.includes(name) || name.startsWith('intendant.change_log'))).toEqual([]);
  expect(await store.planSchema()).toEqual([]);
});

test('a changed policy or right is found and repaired by the next register', async () => {
  const { rows } = await admin.query(
    `select policyname as name from pg_policies where tablename = 'change_log' and policyname = 'intendant_tenant_writer'`,
  );
  expect(rows).toHaveLength(1);
  await admin.query(`alter policy intendant_tenant_writer on intendant.change_log using (true);
    create policy theirs on intendant.dead_letter for select to public using (true);
    grant select on intendant.dead_letter to public;
    alter table intendant.cursor no force row level security`);
  const planned = (await store.planSchema()).join(';');
  for (const part of ['intendant_tenant_writer', 'theirs', 'revoke', 'force row level security'])
    expect(planned).toContain(part);
  await store.register([vm, note], { roles: { tenant_admin: 'tenant_writer', service_admin: 'writer' } });
  expect(await store.planSchema()).toEqual([]);
  await withClient(database.url, (client) =>
    expect(client.query('select from intendant.dead_letter')).rejects.toThrow(/permission denied/),
  );
});
