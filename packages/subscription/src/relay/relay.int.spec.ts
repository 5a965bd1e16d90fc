import { createDataStore, defineTable } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { eventually, tcpProxy, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createSubscriptions } from '../create-subscriptions.ts';
import { DOORBELL_CHANNEL, RING_OF_OPENING } from '../log/names.ts';
import { actAsService } from '../service-query.ts';
import { readAnnouncement } from '../source/announcement.ts';
import { Relay } from './relay.ts';

const database = await testDatabase();
const store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
await store.register([defineTable('vm', { schema: z.object({ id: z.string() }) })]);
await (await createSubscriptions({ store })).close();

const relays: Relay[] = [];
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

async function connect(): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client(database.adminUrl);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

const append = (id: string) => `insert into vm (org_id, id) values ('Coke', '${id}')`;
const lastNumber = async (client: pg.Client) =>
  Number((await client.query('select last_value from intendant.change_seq')).rows[0].last_value);

function startRelay(beforeRelease?: () => Promise<void>, connectionString = database.url) {
  const settled: { value: number; at: number }[] = [];
  const relay = new Relay({
    connection: { connectionString },
    logger: pino({ level: 'silent' }),
    setUp: actAsService(internalsOf(store)),
    retentionMs: 86_400_000,
    partitionSize: 1_000,
    onAnnouncement: (payload) => settled.push({ value: readAnnouncement(payload).settled, at: performance.now() }),
    ...(beforeRelease && { beforeRelease }),
  });
  relays.push(relay);
  relay.start();
  return { relay, settled };
}

/** Rings as many writers would: the relay then holds the doorbell for a while. */
async function makeItPoll(relay: Relay): Promise<void> {
  await using ringer = await connect();
  await eventually(async () => {
    await ringer.query(`select pg_notify('${DOORBELL_CHANNEL}', n::text) from generate_series(1, 60) n`);
    const { rowCount } = await ringer.query(
      `select from pg_locks where locktype = 'advisory' and objid = 2 and mode = 'ExclusiveLock' and granted
        and database = (select oid from pg_database where datname = current_database())`,
    );
    expect(rowCount).toBe(1);
  });
  expect(relay.state).toBe('awake');
}

test('a change appended as the relay falls asleep, its bell skipped, arrives within 100 ms of its commit', async () => {
  await using writer = await connect();
  await using listener = await connect();
  let rings = 0;
  listener.on('notification', () => rings++);
  await listener.query(`listen ${DOORBELL_CHANNEL}`);
  const appended = Promise.withResolvers<void>();
  let isFirst = true;
  const { relay, settled } = startRelay(async () => {
    if (!isFirst) return;
    isFirst = false;
    await writer.query('begin');
    await writer.query(append('skipped'));
    appended.resolve();
  });
  await makeItPoll(relay);
  await appended.promise;
  const number = await lastNumber(writer);
  await eventually(() => expect(relay.state).toBe('awake'));
  const before = rings;
  const committedAt = performance.now();
  await writer.query('commit');
  const found = await eventually(() => {
    const first = settled.find(({ value }) => value >= number);
    expect(first).toBeDefined();
    return first as { at: number };
  });
  expect(found.at - committedAt).toBeLessThan(100);
  await listener.query('select 1');
  expect(rings).toBe(before);
});

test('a writer rings a relay that sleeps, and only that', async () => {
  await using writer = await connect();
  await using listener = await connect();
  let rings = 0;
  listener.on('notification', () => rings++);
  await listener.query(`listen ${DOORBELL_CHANNEL}`);
  await writer.query(append('nobody leads'));
  await listener.query('select 1');
  expect(rings).toBe(0);
  const { relay, settled } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  const before = performance.now();
  await writer.query(append('asleep'));
  const number = await lastNumber(writer);
  await eventually(() => expect(settled.at(-1)?.value).toBeGreaterThanOrEqual(number));
  expect((settled.at(-1)?.at as number) - before).toBeLessThan(500);
  await eventually(() => expect(rings).toBe(1));
});

test("a writer whose snapshot is older than the relay's sleep rings it all the same", async () => {
  await using writer = await connect();
  await writer.query('begin isolation level serializable');
  await writer.query('select count(*) from vm');
  const { relay, settled } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await writer.query(append('old snapshot'));
  await writer.query('commit');
  const committedAt = performance.now();
  const number = await lastNumber(writer);
  await eventually(() => expect(settled.at(-1)?.value).toBeGreaterThanOrEqual(number));
  expect((settled.at(-1)?.at as number) - committedAt).toBeLessThan(500);
});

test('of two relays one leads, and when its connection dies the other does', async () => {
  await using client = await connect();
  const { settled: first } = startRelay();
  await eventually(() => expect(first.length).toBeGreaterThan(0));
  const { settled: second } = startRelay();
  const leaders = `select pid from pg_locks where locktype = 'advisory' and objid = 1 and mode = 'ExclusiveLock' and granted
    and database = (select oid from pg_database where datname = current_database())`;
  const { rows } = await client.query(leaders);
  expect(rows).toHaveLength(1);
  expect(second).toEqual([]);
  await client.query('select pg_terminate_backend($1)', [rows[0].pid]);
  await client.query(append('after the takeover'));
  const number = await lastNumber(client);
  await eventually(() =>
    expect(Math.max(first.at(-1)?.value ?? 0, second.at(-1)?.value ?? 0)).toBeGreaterThanOrEqual(number),
  );
  expect((await client.query(leaders)).rows).toHaveLength(1);
});

test('a leader whose network hangs without closing loses its place, and another leads', async () => {
  await using proxy = await tcpProxy({ targetPort: database.port });
  await using writer = await connect();
  const { settled: hung } = startRelay(undefined, proxy.through(database.url));
  await eventually(() => expect(hung.length).toBeGreaterThan(0));
  const { settled } = startRelay();
  proxy.pause();
  await writer.query(append('behind the hang'));
  const number = await lastNumber(writer);
  await eventually(() => expect(settled.at(-1)?.value ?? 0).toBeGreaterThanOrEqual(number), { timeoutMs: 15_000 });
  proxy.resume();
});

test('a relay that was stopped, twice, starts again, twice', async () => {
  await using writer = await connect();
  const { relay, settled } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await relay.stop();
  await relay.stop();
  expect(relay.state).toBe('waiting');
  relay.start();
  relay.start();
  await eventually(() => expect(relay.state).toBe('asleep'));
  const before = settled.length;
  await writer.query(append('after the restart'));
  await eventually(() => expect(settled.length).toBeGreaterThan(before));
});

test('a process that opens rings, and learns at once how far the log is settled', async () => {
  await using opening = await connect();
  const { relay, settled } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  const before = settled.length;
  const rungAt = performance.now();
  await opening.query(`select pg_notify('${DOORBELL_CHANNEL}', '${RING_OF_OPENING}')`);
  await eventually(() => expect(settled.length).toBeGreaterThan(before));
  expect(performance.now() - rungAt).toBeLessThan(1_000);
});

test('what is rolled back beside a committed change holds it up no longer than its transaction', async () => {
  await using open = await connect();
  await using writer = await connect();
  const { relay, settled } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await open.query('begin');
  await open.query(append('rolled back'));
  await writer.query(append('committed'));
  const number = await lastNumber(writer);
  await eventually(() => expect(relay.state).toBe('awake'));
  expect(settled.at(-1)?.value).toBeLessThan(number);
  const rolledBackAt = performance.now();
  await open.query('rollback');
  await eventually(() => expect(settled.at(-1)?.value).toBeGreaterThanOrEqual(number));
  expect((settled.at(-1)?.at as number) - rolledBackAt).toBeLessThan(1_000);
});
