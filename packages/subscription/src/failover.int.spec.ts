import { createDataStore } from '@intendant/core';
import { crashableServer, eventually, synchronousStandby, tcpProxy, withClient } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import type { Change } from './change.ts';
import { createSubscriptions } from './create-subscriptions.ts';
import { DOORBELL_CHANNEL } from './log/names.ts';
import { note } from './testing/fixture.ts';

/** A rollback is not on disk for up to ten seconds. */
const server = await crashableServer({ settings: { wal_writer_delay: '10s' } });
const closing = new AsyncDisposableStack();
afterAll(async () => {
  await closing.disposeAsync();
  await server[Symbol.asyncDispose]();
});

const proxy = closing.use(await tcpProxy({ targetPort: server.port }));
/** Only the listener and the member's connection of one process use it. */
const lateProxy = closing.use(await tcpProxy({ targetPort: server.port }));
const logger = pino({ level: 'silent' });
const slow = { timeoutMs: 25_000 };
const url = proxy.through(server.adminUrl);
const admin = (sql: string, at = url) => withClient(at, (client) => client.query(sql));
const write = (...ids: string[]) =>
  admin(`insert into note (org_id, id, size) select 'Coke', id, 1 from unnest('{${ids}}'::text[]) id`);

async function openProcess(options: { connection?: string; relay?: boolean } = {}) {
  const store = await createDataStore({ connection: proxy.through(server.url), adminConnection: url });
  closing.defer(() => store.close());
  await store.register([note]);
  return createSubscriptions({ store, logger, ...options });
}

const first = await openProcess();

async function follow(options = {}, subscriptions = first) {
  const received = { seen: [] as string[], resets: 0, position: '' };
  const handle = ({ key, position }: Change) => {
    received.seen.push(String(key['id']));
    received.position = position;
  };
  const onReset = () => received.resets++;
  const subscription = await subscriptions.subscribe('note', handle, { ...options, onReset });
  return Object.assign(received, { subscription });
}

/** Postgres writes the sequence to the write-ahead log once for 32 numbers. The next number then needs such a write. */
const useUpLoggedNumbers = () =>
  admin(`do $$ begin
    perform nextval('intendant.change_seq');
    while (select log_cnt > 0 from intendant.change_seq) loop perform nextval('intendant.change_seq'); end loop;
  end $$`);

/** Rolls a change back, and returns when its number is settled. */
const rollBackChange = () =>
  withClient(url, async (client) => {
    await client.query(`begin; insert into note (org_id, id, size) values ('Coke', 'never', 1); rollback`);
    await client.query(`notify ${DOORBELL_CHANNEL}`);
    const { rows } = await client.query<{ last: string }>('select last_value as last from intendant.change_seq');
    const settled = () => Number(first.stats().settled.split('-')[1]);
    await eventually(() => expect(settled()).toBe(Number(rows[0]?.last)), slow);
  });

test.for([
  { whose: 'early subscriptions', isLate: false },
  { whose: 'a subscription that was opened after it', isLate: true },
])(
  'the number of a transaction that was rolled back before a crash is not used again: $whose',
  async ({ whose, isLate }) => {
    const following = isLate ? [] : [await follow(), await follow({ name: 'numbers' })];
    await useUpLoggedNumbers();
    await rollBackChange();
    if (isLate) following.push(await follow());
    await server.crash();
    await server.start();
    await write(whose);
    for (const { seen } of following) await eventually(() => expect(seen).toEqual([whose]), slow);
    for (const { resets } of following) expect(resets).toBe(0);
    for (const { subscription } of following) await subscription.close();
  },
);

test('a change of a writer with synchronous_commit = off is on disk before it is delivered', async () => {
  const following = [await follow(), await follow({ name: 'on disk' })];
  await admin(`set synchronous_commit = off; insert into note (org_id, id, size) values ('Coke', 'kept', 1)`);
  for (const { seen } of following) await eventually(() => expect(seen).toContain('kept'), slow);
  await server.crash();
  await server.start();
  await write('next');
  for (const { seen } of following) await eventually(() => expect([...new Set(seen)]).toEqual(['kept', 'next']), slow);
  expect((await admin(`select from note where id = 'kept'`)).rowCount).toBe(1);
  for (const { subscription } of following) await subscription.close();
});

/** A standby that receives nothing more from the server. */
async function detachedStandby() {
  const standby = closing.use(await synchronousStandby(server));
  await withClient(standby.adminUrl, async (client) => {
    await client.query(`alter system set primary_conninfo = ''`);
    await client.query('select pg_reload_conf()');
  });
  await admin('alter system reset synchronous_standby_names');
  await admin('select pg_reload_conf()');
  await eventually(async () => expect((await admin('select from pg_stat_replication')).rowCount).toBe(0), slow);
  return standby;
}

test('after a failover that lost changes, no change of the new timeline is skipped without a reset', async () => {
  const late = await openProcess({ connection: lateProxy.through(server.adminUrl), relay: false });
  const [early, plain, durable] = [await follow(), await follow({}, late), await follow({ name: 'late' }, late)];
  const all = [early, plain, durable];
  await write('common');
  for (const { seen } of all) await eventually(() => expect(seen).toEqual(['common']), slow);
  const standby = await detachedStandby();
  const lost = Array.from({ length: 50 }, (_, n) => `lost${n}`);
  await write(...lost);
  for (const { seen } of all) await eventually(() => expect(seen).toEqual(['common', ...lost]), slow);
  const lostPosition = plain.position;

  lateProxy.retarget(1); // Nothing listens there.
  await server.crash();
  await admin('select pg_promote()', standby.adminUrl);
  proxy.retarget(standby.port);
  proxy.cut();
  const created = Array.from({ length: 150 }, (_, n) => `new${n}`);
  await write(...created);
  await eventually(() => expect(early.resets).toBe(1), slow);
  lateProxy.retarget(standby.port);
  lateProxy.cut();
  await eventually(() => expect([plain.resets, durable.resets]).toEqual([1, 1]), slow);
  await write('later');
  for (const { seen } of all) await eventually(() => expect(seen.at(-1)).toBe('later'), slow);
  expect([...new Set(durable.seen)]).toEqual(['common', ...lost, ...created, 'later']);
  await expect(follow({ from: lostPosition })).rejects.toThrow(/lost in a failover/);
  const resumed = await follow({ from: durable.position });
  await write('last');
  await eventually(() => expect(resumed.seen).toEqual(['last']), slow);
});
