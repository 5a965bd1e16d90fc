import { auditIsolation, createDataStore, defineTable } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { eventually, isOnCitus } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createSubscriptions } from '../create-subscriptions.ts';
import { internalsOf as feedOf } from '../subscriptions-internals.ts';
import type { FeedUnderTest } from './feed-under-test.ts';
import { brief, coke, note, onTestServer } from './fixture.ts';

/** Lost connections, trimmed logs, wrong use, and the schema of the feed. */
export function operationCases({ source, store, subscriptions, admin, collect }: FeedUnderTest): void {
  /** The store may be behind a pooler. */
  const direct = { connection: feedOf(subscriptions).connection };
  test('terminated backends delay changes but lose none', async () => {
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

  test('when a new release takes a table out of the feed, subscribers of the old one end, and are reset when it is back', async () => {
    const options = { schema: z.object({ id: z.string() }) };
    const leaving = defineTable('leaving', options);
    const table = { roles: { tenant_admin: 'tenant_writer' } } as const;
    await store.register([leaving], table);
    const errors: unknown[] = [];
    const onError = (error: Error) => errors.push(error.message);
    const readers = [
      await collect('leaving', { onError }),
      await collect('leaving', { as: coke, operations: ['insert'], onError }),
      await collect('leaving', { name: 'of leaving', onError }),
    ];
    await subscriptions.mirror(leaving, { onError });
    const loop = (async () => {
      for await (const { key } of subscriptions.changes(leaving)) expect(key.id).toBe('l1');
    })();
    await Promise.all([
      expect(loop).rejects.toThrow(/was taken out of the feed/),
      store
        .as(coke)
        .insert(leaving, { id: 'l1' })
        // In replication, what the relay has not read yet would come after the end.
        .then(() => eventually(() => expect(readers.every(({ seen }) => seen.length === 1)).toBe(true)))
        .then(() => leave()),
    ]);
    async function leave() {
      const { connection, adminConnection } = internalsOf(store);
      const lines: unknown[] = [];
      const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) });
      const newRelease = await createDataStore({ connection, adminConnection, logger, ...onTestServer });
      await using other = await createSubscriptions({ store: newRelease, source, ...direct });
      await newRelease.register([defineTable('leaving', { ...options, feed: false })], table);
      expect(lines).toMatchObject([{ table: 'leaving', names: ['of leaving'] }]);
      await other.close();
      await newRelease.close();
    }
    for (const { seen, subscription } of readers) {
      await expect(subscription.closed).rejects.toMatchObject({ code: 'CONFIGURATION', details: { table: 'leaving' } });
      expect(seen.map(brief)).toEqual(['insert l1']);
    }
    await eventually(() => expect(errors).toHaveLength(4));
    await expect(subscriptions.subscribe(leaving, () => {})).rejects.toThrow(/was taken out of the feed/);
    await store.register([leaving], table);
    let resets = 0;
    const back = await collect('leaving', { name: 'of leaving', onReset: () => resets++ });
    await store.as(coke).insert(leaving, { id: 'l2' });
    await eventually(() => expect(back.seen.map(brief)).toEqual(['insert l2']));
    expect(resets).toBe(1);
    await back.subscription.close();
  });

  test('a process that does not name the table in `records` may filter by records that the feed carries', async () => {
    await using other = await createSubscriptions({ store, source, ...direct });
    const seen: string[] = [];
    await other.subscribe(note, (change) => seen.push(brief(change)), { where: { size: { gte: 5n } } });
    await store.as(coke).insert(note, { id: 'few', size: 1n });
    await store.as(coke).insert(note, { id: 'many', size: 9n });
    await eventually(() => expect(seen).toEqual(['insert many']));
  });

  test('a cursor that the log no longer reaches is reset, and the subscription continues', async () => {
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
    ['a text that is not a position', 'vm', { from: 'yesterday' }, /is not a position/],
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
    if (isOnCitus()) await admin.query('reset citus.enable_unsafe_triggers'); // The repair sets it.
    for (const statement of found.flatMap(({ sql }) => sql.split(';\n'))) await admin.query(statement);
    expect(await findings()).toEqual([]);
  });

  test('a second feed on the same database changes nothing in it', async () => {
    expect(await store.planSchema()).toEqual([]);
  });
}
