import { defineTable } from '@intendant/core';
import { countActivity, eventually, isOnCitus, nodeUrls, withClient } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Change } from '../../change.ts';
import type { Subscriptions } from '../../subscriptions.ts';
import { coke, type Fixture, note, openFixture, ROLES } from '../../testing/fixture.ts';
import { removeReplication } from '../remove-replication.ts';

const region = defineTable('region', { schema: z.object({ id: z.string() }), tenancy: 'shared', feed: true });
const ORGS = ['Coke', 'Pepsi', 'Fanta', 'Sprite'];
const slow = { timeoutMs: 30_000 };

describe.skipIf(!isOnCitus())('a feed of several nodes (skipped unless CITUS_URL is set)', () => {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  let fixture: Fixture;
  let workers: string[];

  beforeAll(async () => {
    fixture = await openFixture({ logger });
    workers = (await nodeUrls(fixture.database.adminUrl)).slice(1);
    await fixture.admin.query(
      `insert into note (org_id, id, size) select org, 'n' || n, 0
      from unnest($1::text[]) org, generate_series(1, 3) n`,
      [ORGS],
    );
  }, 60_000);
  afterAll(() => fixture[Symbol.asyncDispose]());

  const opened: Subscriptions[] = [];
  const open = async () => {
    const another = await fixture.another();
    opened.push(another);
    return another;
  };
  const follow = async (subscriptions: Subscriptions, options: { name?: string; onReset?: () => void } = {}) => {
    const seen: Change[] = [];
    const subscription = await subscriptions.subscribe(note, (change) => void seen.push(change as Change), options);
    return { seen, subscription };
  };
  /** One more than before in each row of the org. */
  const bump = (org: string) => fixture.admin.query('update note set size = size + 1 where org_id = $1', [org]);
  const placeOf = async (org: string) => {
    const { rows } = await fixture.admin.query<{ shard: string; port: number }>(
      `select s.shard::text, p.nodeport as port
       from (select get_shard_id_for_distribution_column('note', $1::text) as shard) s
       join pg_dist_shard_placement p on p.shardid = s.shard`,
      [org],
    );
    return rows[0] as { shard: string; port: number };
  };
  /** Moves the org's rows from the worker where they are to the other one. */
  const move = async (org: string) => {
    const { shard, port } = await placeOf(org);
    const ports = workers.map((url) => Number(new URL(url).port));
    const other = ports.find((each) => each !== port);
    await fixture.admin.query(
      `select citus_move_shard_placement($1, '127.0.0.1', $2, '127.0.0.1', $3, 'block_writes')`,
      [shard, port, other],
    );
  };
  /** Every row's revisions arrive once and in order, without a gap up to the last one. */
  const expectOrder = async (seen: readonly Change[], orgs: readonly string[] = ORGS) => {
    const { rows } = await fixture.admin.query<{ org: string; id: string; revision: string }>(
      'select org_id as org, id, revision from note where org_id = any($1)',
      [orgs],
    );
    for (const { org, id, revision } of rows) {
      const got = seen.filter(({ orgId, key }) => orgId === org && key['id'] === id).map((change) => change.revision);
      const first = got[0] ?? 0;
      expect(got).toEqual(Array.from({ length: Number(revision) - first + 1 }, (_, index) => first + index));
    }
  };
  const revisionsOf = (seen: readonly Change[], org: string) =>
    seen.filter(({ orgId, key }) => orgId === org && key['id'] === 'n1').map(({ revision }) => revision);
  const lastRevision = async (org: string) => {
    const { rows } = await fixture.admin.query<{ revision: string }>(
      `select revision from note where org_id = $1 and id = 'n1'`,
      [org],
    );
    return Number(rows[0]?.revision);
  };

  test('a change of a shared table, of which each node has a copy, arrives once', async () => {
    await fixture.store.register([region], { roles: ROLES });
    const seen: unknown[] = [];
    await using _ = await fixture.subscriptions.subscribe(region, ({ key }) => void seen.push(key['id']));
    await fixture.admin.query(`insert into region (id) values ('eu'), ('us')`);
    await fixture.admin.query(`delete from region where id = 'eu'`);
    await eventually(() => expect(seen).toHaveLength(3), slow);
    expect(seen).toEqual(['eu', 'us', 'eu']);
  });

  test('revisions stay in order while shards move to and fro under load', async () => {
    const { seen, subscription } = await follow(fixture.subscriptions);
    let isOver = false;
    const write = async (org: string) => {
      while (!isOver) await bump(org);
    };
    const writers = ORGS.map(write);
    for (const org of ['Coke', 'Pepsi', 'Coke']) await move(org);
    isOver = true;
    await Promise.all(writers);
    for (const org of ORGS) {
      const last = await lastRevision(org);
      await eventually(() => expect(revisionsOf(seen, org).at(-1)).toBe(last), slow);
    }
    await expectOrder(seen);
    await subscription.close();
  }, 90_000);

  test('what was written while no process read, before and after moves in both directions, arrives in order', async () => {
    const resets: string[] = [];
    const first = await follow(fixture.subscriptions, { name: 'late' });
    await fixture.subscriptions.close();
    await eventually(
      async () => expect(await countActivity(fixture.database, `application_name = 'intendant replication'`)).toBe(0),
      slow,
    );
    for (let round = 0; round < 20; round++) for (const org of ['Coke', 'Pepsi']) await bump(org);
    await fixture.admin.query(
      `insert into note (org_id, id, size) select 'Coke', 'many' || n, 0 from generate_series(1, 5000) n`,
    );
    await move('Coke');
    await move('Pepsi');
    await bump('Coke');
    await bump('Pepsi');
    const again = await open();
    const { seen } = await follow(again, { name: 'late', onReset: () => void resets.push('late') });
    for (const org of ['Coke', 'Pepsi']) {
      const last = await lastRevision(org);
      await eventually(() => expect(revisionsOf(seen, org).at(-1)).toBe(last), slow);
    }
    await eventually(() => expect(seen.filter(({ key }) => key['id'] === 'many5000')).toHaveLength(2), slow);
    await expectOrder([...first.seen, ...seen], ['Coke', 'Pepsi']);
    expect(resets).toEqual([]);
    const { rows } = await fixture.admin.query(
      'select from intendant.held_change union all select from intendant.shard_move',
    );
    expect(rows).toEqual([]);
  }, 90_000);

  test('whichever connection to a node is lost, each change arrives once', async () => {
    const another = await open();
    const { seen } = await follow(another);
    for (const url of workers) {
      await withClient(url, (client) =>
        client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'intendant replication' and datname = current_database()`,
        ),
      );
      for (const org of ORGS) await bump(org);
    }
    await fixture.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'intendant filler' and datname = current_database()`,
    );
    for (const org of ORGS) {
      await bump(org);
      const last = await lastRevision(org);
      await eventually(() => expect(revisionsOf(seen, org).at(-1)).toBe(last), slow);
    }
    await expectOrder(seen);
  }, 90_000);

  test('a split of a shard, on its node or onto another one, resets every subscriber, and the feed goes on', async () => {
    let resets = 0;
    const another = await open();
    const { seen } = await follow(another, { onReset: () => void resets++ });
    await fixture.admin.query(
      `select isolate_tenant_to_new_shard('note', 'Fanta', 'CASCADE', shard_transfer_mode => 'block_writes')`,
    );
    await eventually(() => expect(resets).toBe(1), slow);
    await fixture.admin.query(
      `select citus_split_shard_by_split_points(s.shardid,
         array[((s.shardminvalue::bigint + s.shardmaxvalue::bigint) / 2)::text], array_agg(n.nodeid order by n.nodeid)::int[], 'block_writes')
       from pg_dist_shard s, pg_dist_node n
       where s.shardid = get_shard_id_for_distribution_column('note', 'Sprite') and n.groupid > 0
       group by s.shardid, s.shardminvalue, s.shardmaxvalue`,
    );
    await eventually(() => expect(resets).toBe(2), slow);
    seen.splice(0);
    for (let round = 0; round < 3; round++) for (const org of ORGS) await bump(org);
    for (const org of ORGS) {
      const last = await lastRevision(org);
      await eventually(() => expect(revisionsOf(seen, org)).toEqual([last - 2, last - 1, last]), slow);
    }
    expect(resets).toBe(2);
  }, 60_000);

  test('a slot that is lost on a node resets every subscriber, and the feed goes on', async () => {
    let resets = 0;
    const another = await open();
    const { seen } = await follow(another, { onReset: () => void resets++ });
    await eventually(
      () =>
        withClient(workers[0] as string, async (client) => {
          await client.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'intendant replication' and datname = current_database()`,
          );
          const { rowCount } = await client.query(
            'select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database() and not active',
          );
          expect(rowCount).toBe(1);
        }),
      slow,
    );
    await eventually(() => expect(resets).toBe(1), slow);
    await fixture.store.as(coke).insert(note, { id: 'after', size: 1n });
    await eventually(() => expect(seen.map(({ key }) => key['id'])).toContain('after'), slow);
  }, 60_000);

  test('triggers, a node without change data capture and a login without rights are refused by name', async () => {
    await expect(fixture.another({ source: 'triggers' })).rejects.toThrow("give it source: 'replication'");
    const { name } = fixture.database;
    const worker = workers[1] as string;
    const capture = (value: string) =>
      withClient(worker, async (client) => {
        await client.query('set citus.enable_ddl_propagation = off');
        await client.query(`alter database ${name} set citus.enable_change_data_capture = ${value}`);
      });
    await capture('off');
    await expect(fixture.another()).rejects.toThrow(
      `change data capture of Citus is off on the node 127.0.0.1:${new URL(worker).port}: run alter database "${name}" set citus.enable_change_data_capture = on on the coordinator`,
    );
    await capture('on');
    await expect(fixture.another({ replicationConnection: fixture.database.url })).rejects.toThrow(
      `login app_${name} may not read the write-ahead log of the coordinator: run alter role "app_${name}" replication there`,
    );
  }, 60_000);

  test('a feed that is removed leaves no slot and no publication on any node', async () => {
    const { adminUrl } = fixture.database;
    const left = () =>
      Promise.all(
        [adminUrl, ...workers].map((url) =>
          withClient(url, async (client) => {
            const { rows } = await client.query<{ name: string }>(
              `select slot_name as name from pg_replication_slots where database = current_database()
               union all select pubname from pg_publication where pubname like 'intendant%'`,
            );
            return rows.length;
          }),
        ),
      );
    await Promise.all([fixture.subscriptions, ...opened].map((subscriptions) => subscriptions.close()));
    expect(await left()).toEqual([2, 2, 2]);
    await withClient(adminUrl, (client) => removeReplication(client, { connectionString: adminUrl }));
    expect(await left()).toEqual([0, 0, 0]);
  }, 60_000);
});
