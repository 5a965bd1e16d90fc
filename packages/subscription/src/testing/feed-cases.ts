import {
  auditIsolation,
  createDataStore,
  type DataStoreOptions,
  type MetadataContext,
  SimpleInstancer,
} from '@intendant/core';
import { eventually, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Change } from '../change.ts';
import { createSubscriptions } from '../create-subscriptions.ts';
import { internalsOf } from '../internal.ts';
import type { SubscriptionsOptions } from '../subscriptions.ts';
import { brief, coke, note, pepsi, ROLES, vm } from './fixture.ts';

const cokeInEurope = { ...coke, instanceId: 'Europe' };

/** What every source of changes must get right. Run once for each. */
export async function feedCases(
  source: Required<SubscriptionsOptions>['source'],
  storeThrough: (database: TestDatabase) => Promise<Partial<DataStoreOptions<MetadataContext>>> = async () => ({}),
): Promise<void> {
  const database = await testDatabase();
  const store = await createDataStore({
    connection: database.url,
    adminConnection: database.adminUrl,
    instancer: new SimpleInstancer(),
    ...(await storeThrough(database)),
  });
  await store.register([vm], { roles: ROLES });
  const subscriptions = await createSubscriptions({ store, connection: database.url, records: [note], source });
  await store.register([note], { roles: ROLES });
  const admin = new pg.Client(database.adminUrl);

  beforeAll(() => admin.connect());
  afterAll(async () => {
    await admin.end();
    await subscriptions.close();
    await store.close();
    await database.drop();
  });

  const collect = async (table: string, options = {}) => {
    const seen: Change[] = [];
    const subscription = await subscriptions.subscribe(table, (change) => seen.push(change), options);
    return { seen, subscription };
  };

  test('each kind of change arrives once, in order, as what it was', async () => {
    const { seen, subscription } = await collect('vm');
    const session = store.as(coke);
    const record = await session.insert(vm, { id: 'a', name: 'x' });
    await session.update(vm, { ...record, name: 'y' });
    await session.softDelete(vm, 'a');
    await session.upsert(vm, { id: 'a', name: 'z', revision: 3 });
    await session.delete(vm, 'a');
    await eventually(() =>
      expect(seen.map(brief)).toEqual(['insert a', 'update a', 'soft delete a', 'soft insert a', 'delete a']),
    );
    expect(seen.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 4]);
    expect(seen[0]).toMatchObject({ table: 'vm', orgId: 'Coke', instanceId: 'Americas' });
    expect(seen.map(({ position }) => position).toSorted()).toEqual(seen.map(({ position }) => position));
    await subscription.close();
  });

  test('the deletion of a row that was soft-deleted before is marked as a purge', async () => {
    const { seen, subscription } = await collect('vm', { operations: ['delete'] });
    const session = store.as(coke);
    for (const id of ['purged', 'deleted']) await session.insert(vm, { id, name: 'x' });
    await session.softDelete(vm, 'purged');
    for (const id of ['purged', 'deleted']) await session.delete(vm, id);
    await eventually(() => expect(seen.map(brief)).toEqual(['soft delete purged', 'delete purged', 'delete deleted']));
    expect(seen.map(({ isPurge }) => isPurge)).toEqual([false, true, false]);
    await subscription.close();
  });

  test('COPY and MERGE come out right', async () => {
    const { seen, subscription } = await collect('vm');
    await admin.query(
      `create table copied (like vm); insert into copied select 'Coke', 'Americas', 'c' || n, 'x', 1, now(), now() from generate_series(1, 2) n`,
    );
    const file = (await admin.query<{ path: string }>(`select current_setting('data_directory') || '/copied' as path`))
      .rows[0]?.path;
    await admin.query(`copy copied to '${file}'; copy vm from '${file}'`);
    await admin.query(`merge into vm using (values ('c1'), ('c3')) v(id) on vm.id = v.id
    when matched then delete
    when not matched then insert (org_id, instance_id, id, name) values ('Coke', 'Americas', v.id, 'merged')`);
    await eventually(() => expect(seen).toHaveLength(4));
    expect(seen.slice(0, 2).map(brief)).toEqual(['insert c1', 'insert c2']);
    expect(seen.slice(2).map(brief).toSorted()).toEqual(['delete c1', 'insert c3']);
    await admin.query('drop table copied; delete from vm');
    await subscription.close();
  });

  test('raw statements of many rows, conflicts, changed keys and TRUNCATE come out right', async () => {
    const { seen, subscription } = await collect('vm');
    const columns = '(org_id, instance_id, id, name)';
    await admin.query(
      `insert into vm ${columns} select 'Coke', 'Americas', 'm' || n, 'x' from generate_series(1, 3) n`,
    );
    await admin.query(`insert into vm ${columns} values ('Coke', 'Americas', 'm1', 'q'), ('Coke', 'Americas', 'm4', 'q')
    on conflict (org_id, instance_id, id) do update set name = excluded.name`);
    await admin.query(`update vm set id = 'moved' where id = 'm2'`);
    await admin.query(`update vm set name = 'nobody' where id = 'not there'`);
    await admin.query('truncate vm');
    await eventually(() => expect(seen).toHaveLength(11));
    expect(seen.slice(0, 3).map(brief)).toEqual(['insert m1', 'insert m2', 'insert m3']);
    expect(seen.slice(3, 5).map(brief).toSorted()).toEqual(['insert m4', 'update m1']);
    expect(seen.slice(5, 7).map(brief)).toEqual(['delete m2', 'insert moved']);
    expect(seen.slice(7).map(brief).toSorted()).toEqual(['delete m1', 'delete m3', 'delete m4', 'delete moved']);
    await subscription.close();
  });

  test('what was rolled back, wholly or to a savepoint, never arrives', async () => {
    const { seen, subscription } = await collect('note');
    const insert = (id: string) => admin.query(`insert into note (org_id, id, size) values ('Coke', $1, 1)`, [id]);
    await admin.query('begin');
    await insert('undone');
    await admin.query('rollback');
    await admin.query('begin');
    await insert('kept');
    await admin.query('savepoint s');
    await insert('undone too');
    await admin.query('rollback to s');
    await admin.query('commit');
    await insert('last');
    await eventually(() => expect(seen.map(brief)).toEqual(['insert kept', 'insert last']));
    await subscription.close();
  });

  test('a transaction that commits late leaves no gap', async () => {
    const { seen, subscription } = await collect('note');
    await admin.query('begin');
    await admin.query(`insert into note (org_id, id, size) values ('Coke', 'early', 1)`);
    await store.as(coke).insert(note, { id: 'late', size: 2n });
    await admin.query('commit');
    await eventually(() => expect(seen.map(brief).toSorted()).toEqual(['insert early', 'insert late']));
    await subscription.close();
  });

  test('a table that asks for it carries its rows, exactly', async () => {
    const { seen, subscription } = await collect('note');
    await store.as(coke).insert(note, { id: 'big', size: 2n ** 63n - 1n });
    await eventually(() =>
      expect(seen[0]?.record).toMatchObject({ id: 'big', size: 2n ** 63n - 1n, orgId: 'Coke', revision: 1 }),
    );
    await subscription.close();
  });

  test('a tenant sees its own changes of its own instance, and deletes, and no others', async () => {
    const { seen, subscription } = await collect('vm', { as: coke });
    for (const context of [pepsi, cokeInEurope, coke]) {
      await store.as(context).insert(vm, { id: 'mine', name: `of ${context.orgId}` });
      await store.as(context).delete(vm, 'mine');
    }
    await eventually(() => expect(seen.map(brief)).toEqual(['insert mine', 'delete mine']));
    expect(seen.every(({ orgId, instanceId }) => orgId === 'Coke' && instanceId === 'Americas')).toBe(true);
    await subscription.close();
  });

  test('a tenant that reads the log itself is shown nothing of others, and cannot write it', async () => {
    await store.as(pepsi).insert(vm, { id: 'secret', name: 'x' });
    await store.as(coke).transaction(
      async (tx) => {
        const { rows } = await tx.query(`select distinct org_id, instance_id from intendant.change_log`);
        expect(rows.filter((row) => row['org_id'] !== 'Coke')).toEqual([]);
        expect(rows.length).toBeGreaterThan(0);
      },
      { tables: [vm] },
    );
    const forge = (sql: string) => store.as(coke).transaction((tx) => tx.query(sql), { tables: [vm] });
    await expect(
      forge(`insert into intendant.change_log (table_name, operation, key) values ('public.vm', 'd', '{a}')`),
    ).rejects.toThrow();
    await expect(forge('select * from intendant.cursor')).rejects.toThrow();
    await expect(forge('select * from intendant.change_log_default')).rejects.toThrow();
  });

  test('a position can be kept and resumed from, and operations chosen', async () => {
    const { seen, subscription } = await collect('note', { operations: ['insert'] });
    const session = store.as(coke);
    for (const id of ['p1', 'p2']) await session.insert(note, { id, size: 1n });
    await session.delete(note, 'p1');
    await eventually(() => expect(seen.map(brief)).toEqual(['insert p1', 'insert p2']));
    await subscription.close();
    const resumed = await collect('note', { from: seen[0]?.position });
    await eventually(() => expect(resumed.seen.map(brief)).toEqual(['insert p2', 'delete p1']));
    await resumed.subscription.close();
  });

  test('a loop over changes ends with its signal', async () => {
    const stop = new AbortController();
    const ids: unknown[] = [];
    const iteration = (async () => {
      for await (const change of subscriptions.changes(note, { signal: stop.signal })) {
        ids.push(change.key['id']);
        if (ids.includes('loop-last')) stop.abort();
      }
    })();
    const session = store.as(coke);
    for (let index = 0; ids.length === 0; index++) {
      await session.insert(note, { id: `loop-${index}`, size: 1n });
      await new Promise(setImmediate);
    }
    await session.insert(note, { id: 'loop-last', size: 1n });
    await iteration;
    expect(ids.at(-1)).toBe('loop-last');
  });

  test('a handler that throws is called again with the same change, and nothing is skipped', async () => {
    const calls: unknown[] = [];
    const subscription = await subscriptions.subscribe('note', ({ key }) => {
      calls.push(key['id']);
      if (calls.length < 3) throw new Error('not yet');
    });
    await store.as(coke).insert(note, { id: 'r1', size: 1n });
    await store.as(coke).insert(note, { id: 'r2', size: 1n });
    await eventually(() => expect(calls).toEqual(['r1', 'r1', 'r1', 'r2']));
    await subscription.close();
  });

  test('a durable subscription goes on where it stopped', async () => {
    const first = await collect('note', { name: 'billing' });
    await store.as(coke).insert(note, { id: 'd1', size: 1n });
    await eventually(() => expect(first.seen.map(brief)).toEqual(['insert d1']));
    await eventually(async () => expect(await first.subscription.lag()).toBe(0));
    await first.subscription.close();
    await store.as(coke).insert(note, { id: 'd2', size: 1n });
    const second = await collect('note', { name: 'billing' });
    await eventually(() => expect(second.seen.map(brief)).toEqual(['insert d2']));
    await second.subscription.close();
  });

  test('what a handler acknowledges in its transaction is done, though the handler fails after it', async () => {
    const calls: unknown[] = [];
    const subscription = await subscriptions.subscribe(
      'note',
      async ({ key }, { ack }) => {
        calls.push(key['id']);
        await store.as(coke).transaction((tx) => ack(tx));
        throw new Error('after the commit');
      },
      { name: 'acknowledging', backoffMs: 1 },
    );
    for (const id of ['a1', 'a2', 'a3']) await store.as(coke).insert(note, { id, size: 1n });
    await eventually(() => expect(calls).toEqual(['a1', 'a2', 'a3']));
    await eventually(async () => expect(await subscription.lag()).toBe(0));
    await subscription.close();
  });

  test('of two that share a name one works, and the other takes over when it closes', async () => {
    const one = await collect('note', { name: 'shared' });
    await store.as(coke).insert(note, { id: 's1', size: 1n });
    await eventually(() => expect(one.seen).toHaveLength(1));
    const two = await collect('note', { name: 'shared' });
    await one.subscription.close();
    await store.as(coke).insert(note, { id: 's2', size: 1n });
    await eventually(() => expect(two.seen.map(brief)).toContain('insert s2'));
    expect(one.seen).toHaveLength(1);
    await two.subscription.close();
  });

  test('listeners inside the process hear of settled changes', async () => {
    const heard: string[] = [];
    const stop = await internalsOf(subscriptions).onSettledChanges(['vm', 'note'], {
      onChanges: (changes) => heard.push(...changes.map(brief)),
    });
    await store.as(coke).insert(note, { id: 'heard', size: 1n });
    await eventually(() => expect(heard).toEqual(['insert heard']));
    stop();
  });

  test('terminated backends cost time but no change', async () => {
    const { seen, subscription } = await collect('note');
    for (let round = 0; round < 3; round++) {
      await store.as(coke).insert(note, { id: `t${round}`, size: 1n });
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'intendant %' and datname = current_database()`,
      );
      await store.as(coke).insert(note, { id: `u${round}`, size: 1n });
    }
    const expected = [0, 1, 2].flatMap((round) => [`insert t${round}`, `insert u${round}`]);
    await eventually(() => expect(seen.map(brief)).toEqual(expected), { timeoutMs: 15_000 });
    await subscription.close();
  });

  test('a change that cannot be decoded is skipped with a reset, and what follows arrives', async () => {
    const resets: string[] = [];
    const follow = (what: string, options: object) => collect('note', { ...options, onReset: () => resets.push(what) });
    const readers = [
      await follow('all', {}),
      await follow('tenant', { as: coke }),
      await follow('durable', { name: 'decoding' }),
    ];
    await admin.query(
      `insert into intendant.change_log (table_name, operation, key, org_id, record)
       values ('public.note', 'i', '{undecodable}', 'Coke', '{"id": "undecodable", "size": "not a number"}')`,
    );
    await store.as(coke).insert(note, { id: 'after', size: 1n });
    for (const { seen, subscription } of readers) {
      await eventually(() => expect(seen.map(brief)).toEqual(['insert after']));
      await subscription.close();
    }
    expect(resets.toSorted()).toEqual(['all', 'durable', 'tenant']);
  });

  test('a cursor the log no longer reaches is reset, and goes on', async () => {
    await store.as(coke).insert(note, { id: 'old', size: 1n });
    const before = await collect('note', { from: 'beginning' });
    await eventually(() => expect(before.seen.length).toBeGreaterThan(0));
    await before.subscription.close();
    const old = before.seen[0]?.position;
    await eventually(async () => {
      await admin.query(`select intendant.keep_change_log('0 seconds', 1000)`);
      await admin.query(
        `update intendant.change_log_identity set trimmed_seq = (select last_value from intendant.change_seq)`,
      );
    });
    let resets = 0;
    const after = await collect('note', { from: old, onReset: () => resets++ });
    await eventually(() => expect(resets).toBe(1));
    await store.as(coke).insert(note, { id: 'new', size: 1n });
    await eventually(() => expect(after.seen.map(brief)).toContain('insert new'));
    expect(resets).toBe(1);
    await after.subscription.close();
  });

  test.each([
    ['an unknown table', 'nowhere', {}, /not registered/],
    ['a text that is not a position', 'vm', { from: 'yesterday' }, /is no position/],
    ['a position from another database', 'vm', { from: '00000000-0000000000000001' }, /another database/],
    ['an unknown operation', 'vm', { operations: ['merge'] }, /no operation/],
    ['no operation at all', 'vm', { operations: [] }, /no operation/],
    ['a name used for another table', 'vm', { name: 'billing' }, /belongs to a subscription to public\.note/],
  ])('%s is refused', async (_, table, options, message) => {
    await expect(subscriptions.subscribe(table, () => {}, options as object)).rejects.toThrow(message);
  });

  test('a position from the future is refused', async () => {
    const { subscription } = await collect('vm');
    const future = `${subscription.position.slice(0, 9)}${'9'.repeat(16)}`;
    await subscription.close();
    await expect(subscriptions.subscribe('vm', () => {}, { from: future })).rejects.toThrow(/future/);
  });

  test('changes go into partitions, and none into the default partition', async () => {
    const { rows } = await admin.query(
      `select distinct tableoid::regclass::text as partition from intendant.change_log`,
    );
    expect(rows).toEqual([{ partition: 'intendant.change_log_1' }]);
  });

  test('the audit tells of a table whose changes no longer reach the feed, and how to repair it', async () => {
    const findings = async () => (await auditIsolation(store)).filter(({ rule }) => rule === 'feed');
    expect(await findings()).toEqual([]);
    const damage =
      source === 'triggers'
        ? ['disable trigger intendant_append_update', 'disable trigger intendant_append_truncate']
        : ['replica identity default', 'disable trigger intendant_append_truncate'];
    for (const change of damage) await admin.query(`alter table note ${change}`);
    const found = await findings();
    expect(found.map(({ subject }) => subject)).toEqual(['"public"."note"', '"public"."note"']);
    for (const { sql } of found) await admin.query(sql);
    expect(await findings()).toEqual([]);
  });

  test('a second feed on the same database changes nothing in it', async () => {
    expect(await store.planSchema()).toEqual([]);
  });
}
