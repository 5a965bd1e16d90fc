import { eventually, isOnCitus, nodeUrls, testDatabase, withClient } from '@intendant/devdb/testing';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { note, openFixture, ROLES } from '../testing/fixture.ts';
import { removeReplication } from './remove-replication.ts';

const lines: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
const fixture = await openFixture({ source: 'replication', logger });
const { subscriptions, admin, writeNotes } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

const slow = { timeoutMs: 20_000 };
const follow = async (options = {}) => {
  const ids: string[] = [];
  const subscription = await subscriptions.subscribe('note', ({ key }) => ids.push(String(key['id'])), options);
  return { ids, subscription };
};
const terminate = (what: string) =>
  admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()',
    [what],
  );

test('writers run no trigger', async () => {
  const { rows } = await admin.query<{ name: string }>(
    `select tgname as name from pg_trigger where tgrelid = 'note'::regclass and tgname like 'intendant_append_%'`,
  );
  expect(rows.map(({ name }) => name)).toEqual(['intendant_append_truncate']);
});

test('a slot that is lost resets every subscriber, and the feed goes on', async () => {
  let resets = 0;
  const { ids, subscription } = await follow({ onReset: () => resets++ });
  await eventually(async () => {
    await terminate('intendant replication');
    const { rowCount } = await admin.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database() and not active',
    );
    expect(rowCount).toBe(1);
  }, slow);
  await eventually(() => expect(resets).toBe(1), slow);
  await writeNotes('after the loss');
  await eventually(() => expect(ids).toEqual(['after the loss']), slow);
  await subscription.close();
  await admin.query('delete from note');
});

test('a transaction of many rows arrives completely and in order, and so does a TRUNCATE of them', async () => {
  const { ids, subscription } = await follow();
  await admin.query(`insert into note (org_id, id, size) select 'Coke', 'n' || n, n from generate_series(1, 3500) n`);
  await eventually(() => expect(ids).toHaveLength(3_500), slow);
  expect(ids).toEqual(Array.from({ length: 3_500 }, (_, index) => `n${index + 1}`));
  await admin.query('truncate note');
  await eventually(() => expect(ids).toHaveLength(7_000), slow);
  await subscription.close();
});

test('whatever connection of the leader is lost, each change is appended once', async () => {
  const { ids, subscription } = await follow();
  for (const [round, what] of ['intendant filler', 'intendant replication', 'intendant relay'].entries()) {
    await admin.query(`insert into note (org_id, id, size) select 'Coke', $1 || n, n from generate_series(1, 1500) n`, [
      `k${round}-`,
    ]);
    await terminate(what);
    await writeNotes(`k${round}-last`);
    await eventually(() => expect(ids.at(-1)).toBe(`k${round}-last`), slow);
  }
  expect(ids).toHaveLength(3 * 1_501);
  expect(new Set(ids).size).toBe(ids.length);
  await subscription.close();
});

test('a replica identity that was reset by hand is logged, shown by planSchema, and set again by register', async () => {
  await admin.query('alter table note replica identity default');
  await admin.query(`insert into note (org_id, id, size) values ('Coke', 'reset', 1)`);
  await admin.query(`update note set size = 2 where id = 'reset'`);
  await eventually(() => expect(lines.join()).toContain('replica identity'), slow);
  const plan = await fixture.store.planSchema([note]);
  expect(JSON.stringify(plan)).toContain('replica identity full');
  await fixture.store.register([note], { roles: ROLES });
  const { rows } = await admin.query(`select relreplident from pg_class where oid = 'note'::regclass`);
  expect(rows).toEqual([{ relreplident: 'f' }]);
});

test('opening during an open transaction of another database waits, and logs which session it waits for', async () => {
  await using elsewhere = await testDatabase();
  const client = new pg.Client({ connectionString: elsewhere.adminUrl, application_name: 'a long report' });
  await client.connect();
  await client.query('begin; create table report (id int)');
  const opening = openFixture({ source: 'replication', logger });
  await eventually(() => expect(lines.join()).toContain(`(a long report) in database ${elsewhere.name}`), slow);
  await client.query('rollback');
  await client.end();
  await (await opening)[Symbol.asyncDispose]();
}, 40_000);

test("a process that wants another source than the database's is refused", async () => {
  await expect(fixture.another({ source: 'triggers' })).rejects.toThrow(
    isOnCitus() ? /comes from the write-ahead log of each node/ : /comes from replication, not from triggers/,
  );
});

test('a feed that is removed leaves no slot and no publication', async () => {
  await subscriptions.close();
  const { adminUrl } = fixture.database;
  await withClient(adminUrl, (client) => removeReplication(client, { connectionString: adminUrl }));
  const left = `select slot_name as name from pg_replication_slots where database = current_database() union all select pubname from pg_publication`;
  for (const url of isOnCitus() ? await nodeUrls(adminUrl) : [adminUrl])
    expect((await withClient(url, (client) => client.query(left))).rows).toEqual([]);
});
