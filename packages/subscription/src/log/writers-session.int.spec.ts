import { ConfigurationError, createDataStore, defineTable, OperationNotAllowedError } from '@intendant/core';
import { eventually, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Change, createSubscriptions } from '../index.ts';

const database = await testDatabase();
const store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
const admin = new pg.Client(database.adminUrl);
await admin.connect();
const reading = defineTable('reading', {
  schema: z.object({
    id: z.string(),
    at: z.date(),
    ratio: z.number(),
    bytes: z.instanceof(Uint8Array),
    isGood: z.boolean(),
    isBad: z.boolean(),
    note: z.string().nullable(),
    data: z.object({ value: z.number() }),
  }),
  key: ['id', 'at'],
});
await store.register([reading], { roles: { tenant_admin: 'tenant_writer' } });
const subscriptions = await createSubscriptions({ store, records: [reading] });
const seen: Change[] = [];
await subscriptions.subscribe('reading', (change) => void seen.push(change));
afterAll(async () => {
  await store.close();
  await admin.end();
  await database.drop();
});

const pepsi = store.as({ orgId: 'Pepsi', roles: ['tenant_admin'] });
const at = new Date('2026-11-25T19:00:00.120Z');
const row = (id: string) => ({
  id,
  at,
  ratio: 0.1 + 0.2,
  bytes: new Uint8Array([0, 1, 92, 255]),
  isGood: true,
  isBad: false,
  note: null,
  data: { value: 1.5 },
});
const changesOf = (id: string, count: number) =>
  eventually(() => {
    const changes = seen.filter(({ key }) => key['id'] === id);
    expect(changes).toHaveLength(count);
    return changes as [Change, Change, Change];
  });

test("a tenant's role cannot make our triggers log changes that never happened", async () => {
  for (const name of ['append_public_reading', 'append_truncate_public_reading']) {
    const forging = pepsi.transaction(async (tx) => {
      await tx.query('create temp table forged (like public.reading)');
      await tx.query(
        `create trigger forge before truncate on forged for each statement execute function intendant.${name}()`,
      );
    });
    await expect(forging).rejects.toThrow(OperationNotAllowedError);
    await expect(forging).rejects.toMatchObject({
      cause: { message: expect.stringContaining('permission denied for function') },
    });
  }
});

test("a tenant's role cannot read the channel of announcements, which carry all tenants' changes", async () => {
  const reading = pepsi.transaction((tx) => tx.query('select channel from intendant.announcement'));
  await expect(reading).rejects.toMatchObject({ cause: { message: expect.stringContaining('permission denied') } });
});

test("changes carry a row's exact values, whatever the writer's session is set to", async () => {
  const settings = `set local datestyle = 'SQL, DMY'; set local timezone = 'Asia/Kolkata'; set local bytea_output = 'escape';
    set local extra_float_digits = 0; set local intervalstyle = 'iso_8601'`;
  const written = row('settings');
  const inserted = await pepsi.insert(reading, written);
  await admin.query(`begin; ${settings}; update reading set note = 'changed' where id = 'settings'; commit`);
  const updated = await pepsi.find(reading, { id: 'settings', at });
  await admin.query(`begin; ${settings}; delete from reading where id = 'settings'; commit`);
  const changes = await changesOf('settings', 3);
  expect(changes.map(({ record }) => record)).toEqual([inserted, updated, updated]);
  expect(changes.map(({ key }) => key)).toEqual(Array(3).fill({ id: 'settings', at }));
  expect(inserted).toMatchObject(written);
});

test('an infinite time is the last or first that Date can hold, in reads, paging, the feed and when written back', async () => {
  await admin.query(`insert into reading (org_id, id, at, ratio, bytes, "isGood", "isBad", data)
    select 'Pepsi', 'infinite', at, 1, '', true, false, '{"value": 1}' from unnest('{infinity,-infinity}'::timestamptz[]) at`);
  const [last, first] = [new Date(8.64e15), new Date(-8.64e15)];
  const where = { id: 'infinite' };
  expect((await pepsi.findMany(reading, { where, orderBy: { at: 'asc' } })).map((found) => found.at)).toEqual([
    first,
    last,
  ]);
  const changes = await changesOf('infinite', 2);
  expect(changes.map(({ record }) => record?.['at'])).toEqual([last, first]);
  await pepsi.update(reading, { ...(await pepsi.find(reading, { id: 'infinite', at: last })), note: 'written back' });
  const { rows } = await admin.query(`select at::text from reading where note = 'written back'`);
  expect(rows).toEqual([{ at: 'infinity' }]);
});

test('changes carry a date before year 1 and one after year 9999', async () => {
  for (const iso of ['-000043-03-15T12:00:00.000Z', '+012026-01-01T00:00:00.007Z', '0000-12-31T23:59:59.999Z']) {
    await pepsi.insert(reading, { ...row(iso), at: new Date(iso) });
    await eventually(() => expect(seen.find(({ key }) => key['id'] === iso)?.record?.['at']).toEqual(new Date(iso)));
  }
});

/** Functions and operators with the names of those in `source`, in a schema of their own, that throw whose rights they ran with. */
async function makeShadows(source: string): Promise<void> {
  const namesIn = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map(([, name]) => name))];
  await admin.query('create schema shadow; grant usage on schema shadow to public');
  const { rows } = await admin.query<{ statement: string }>(
    `select format('create function shadow.%I(%s) returns %s language plpgsql as $f$begin raise exception ''a shadow ran as %%'', current_user; end$f$',
       proname, pg_get_function_identity_arguments(oid), prorettype::regtype) as statement
     from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname = any($1) and prokind = 'f'
     union all
     select format('create function shadow.%I(%s, %s) returns %s language plpgsql as $f$begin raise exception ''a shadow ran as %%'', current_user; end$f$;
         create operator shadow.%s (function = shadow.%I, leftarg = %s, rightarg = %s)',
       'operator_' || oid, oprleft::regtype, oprright::regtype, oprresult::regtype, oprname, 'operator_' || oid, oprleft::regtype, oprright::regtype)
     from pg_operator where oprnamespace = 'pg_catalog'::regnamespace and oprname = any($2) and oprkind = 'b'
       and oprleft = any('{text,timestamptz}'::regtype[]) and oprright = oprleft`,
    [namesIn(/pg_catalog\.(\w+)\(/g), namesIn(/operator\(pg_catalog\.([^)]+)\)/g)],
  );
  expect(rows.length).toBeGreaterThan(8);
  for (const { statement } of rows) await admin.query(statement);
}

/** As a tenant, with the shadows in front of Postgres' own names; and a type `text` in the temporary schema, which always is. */
const writeBehindShadows = (id: string) =>
  pepsi.transaction(async (tx) => {
    await tx.query(
      'create temp table text (a int) on commit drop; create temp table timestamptz (a int) on commit drop',
    );
    await tx.query(
      'create temp table new_rows (a int) on commit drop; create temp table old_rows (a int) on commit drop',
    );
    // A writer that does not wait for the disk does not read the doorbell.
    await tx.query('set local synchronous_commit = on; set local search_path = shadow, pg_temp, pg_catalog, public');
    await tx.query(
      `insert into public.reading (org_id, id, at, ratio, bytes, "isGood", "isBad", data) values ('Pepsi', $1, now(), 1, '', true, false, '{"value": 1}')`,
      [id],
    );
    await tx.query(`update public.reading set note = 'changed' where id operator(pg_catalog.=) $1`, [id]);
    await tx.query(`delete from public.reading where id operator(pg_catalog.=) $1`, [id]);
  });

test("no function or operator in front of Postgres' own runs with the rights of the log's owner", async () => {
  const name = 'append_public_reading';
  const { rows } = await admin.query<{ source: string }>('select prosrc as source from pg_proc where proname = $1', [
    name,
  ]);
  const source = rows[0]?.source as string;
  await makeShadows(source);
  await writeBehindShadows('shadowed');
  expect((await changesOf('shadowed', 3)).map(({ operation }) => operation)).toEqual(['insert', 'update', 'delete']);
  const replaceSource = (text: string) =>
    admin.query('update pg_proc set prosrc = $1 where proname = $2', [text, name]);
  for (const qualified of [
    /operator\(pg_catalog\.(=)\)/,
    /operator\(pg_catalog\.(\|\|)\)/,
    /pg_catalog\.(pg_sequence\w+)/,
    /pg_catalog\.(current_setting)/,
    /pg_catalog\.(to_char)/,
  ]) {
    await replaceSource(source.replaceAll(new RegExp(qualified, 'g'), '$1'));
    await expect(writeBehindShadows('abused')).rejects.toMatchObject({
      cause: { message: `a shadow ran as ${new URL(database.adminUrl).username}` },
    });
  }
  await replaceSource(source);
});

test('a table with feed: false has no trigger and no subscribers, also when it was in the feed before', async () => {
  const options = { schema: z.object({ id: z.string() }) };
  const triggers = async (): Promise<number> => {
    const found = await admin.query(
      `select from pg_trigger where tgrelid = 'quiet'::regclass and tgname like 'intendant_append_%'`,
    );
    return found.rowCount ?? 0;
  };
  await store.register([defineTable('quiet', options)], { roles: { tenant_admin: 'tenant_writer' } });
  expect(await triggers()).toBe(4);
  const quiet = defineTable('quiet', { ...options, feed: false });
  const neverFed = defineTable('never_fed', { ...options, feed: false });
  await store.register([quiet, neverFed], { roles: { tenant_admin: 'tenant_writer' } });
  expect(await store.planSchema([quiet, neverFed])).toEqual([]);
  expect(await triggers()).toBe(0);
  await expect(subscriptions.subscribe(quiet, () => {})).rejects.toThrow(ConfigurationError);
  await expect(subscriptions.mirror(quiet)).rejects.toThrow(/feed: false/);
  await pepsi.insert(quiet, { id: 'unheard' });
  await pepsi.insert(neverFed, { id: 'unheard' });
});
