import { createDataStore, defineTable } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { eventually, tcpProxy, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createSubscriptions } from '../create-subscriptions.ts';
import { DOORBELL_CHANNEL, RING_OF_OPENING, writersChannel } from '../log/names.ts';
import { LOG_CHECK_SQL } from '../log/settled.ts';
import { actAsService } from '../service-query.ts';
import { readAnnouncement, readEntries } from '../source/announcement.ts';
import { AnnouncementReceiver } from '../source/announcement-receiver.ts';
import { Horizon } from '../source/horizon.ts';
import { Tail } from '../source/tail.ts';
import { Relay } from './relay.ts';

const database = await testDatabase();
const store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
await store.register([defineTable('vm', { schema: z.object({ id: z.string() }) })]);
await (await createSubscriptions({ store })).close();

/** What only the relay's heartbeat finds, every 5 seconds, is mostly found later than this. In milliseconds. */
const HALF_HEARTBEAT_MS = 2_500;

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

/** Follows up to which number the log is settled, as a process does. */
async function follow(): Promise<Horizon & AsyncDisposable> {
  const client = await connect();
  const horizon = new Horizon();
  const sink = new AnnouncementReceiver(horizon, new Tail(internalsOf(store), horizon)).openSource();
  const { rows } = await client.query<{ channel: string }>('select channel from intendant.announcement');
  const announced = rows[0]?.channel as string;
  client.on('notification', ({ channel, payload = '' }) =>
    channel === announced ? sink.announced(payload) : sink.noticed(payload),
  );
  await client.query(
    `listen ${announced}; listen ${writersChannel(announced)}; select pg_notify('${DOORBELL_CHANNEL}', '${RING_OF_OPENING}')`,
  );
  await horizon.beyond(-1, 0, AbortSignal.timeout(30_000));
  return Object.assign(horizon, { [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() });
}

/** Milliseconds until the number is settled. */
async function settledWithin(horizon: Horizon, number: number): Promise<number> {
  const began = performance.now();
  await horizon.beyond(number - 1, 0, AbortSignal.timeout(30_000));
  expect(horizon.settled).toBeGreaterThanOrEqual(number);
  return performance.now() - began;
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

/** The mode of writers: 0 no relay leads, 1 they notify, 2 they are silent. */
const readMode = async (client: pg.Client) =>
  Number((await client.query('select last_value from intendant.doorbell')).rows[0].last_value);

/** Rings as many writers would: the relay then keeps writers silent for a while. */
async function makeItPoll(relay: Relay): Promise<void> {
  await using ringer = await connect();
  await eventually(async () => {
    await ringer.query(`select pg_notify('${DOORBELL_CHANNEL}', n::text) from generate_series(1, 150) n`);
    expect(await readMode(ringer)).toBe(2);
  });
  expect(relay.state).toBe('awake');
}

test('a change appended as the relay falls asleep, its bell skipped, is found soon after its commit, without a notification', async () => {
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
  expect(found.at - committedAt).toBeLessThan(HALF_HEARTBEAT_MS);
  await listener.query('select 1');
  expect(rings).toBe(before);
});

test('a writer announces its own change if a relay sleeps, and nothing if none leads', async () => {
  await using writer = await connect();
  const { relay } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await using horizon = await follow();
  const announcements = relay.announcements;
  await writer.query(append('asleep'));
  expect(await settledWithin(horizon, await lastNumber(writer))).toBeLessThan(HALF_HEARTBEAT_MS);
  expect(relay.announcements - announcements).toBeLessThanOrEqual(1); // A heartbeat may fall into it.
  await relay.stop();
  expect(await readMode(writer)).toBe(0);
  const { settled } = horizon;
  await writer.query(append('nobody leads'));
  await writer.query('select 1');
  expect(horizon.settled).toBe(settled);
});

test("a writer whose snapshot is older than the relay's sleep announces its change nevertheless", async () => {
  await using writer = await connect();
  await writer.query('begin isolation level serializable');
  await writer.query('select count(*) from vm');
  const { relay } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await using horizon = await follow();
  await writer.query(append('old snapshot'));
  await writer.query('commit');
  expect(await settledWithin(horizon, await lastNumber(writer))).toBeLessThan(HALF_HEARTBEAT_MS);
});

test('several rows in a statement, several statements in a transaction and a rolled back savepoint all settle at once', async () => {
  await using writer = await connect();
  const { relay } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await using horizon = await follow();
  const changes = [
    `insert into vm (org_id, id) select 'Coke', 'many ' || n from generate_series(1, 20) n`,
    `begin; ${append('one')}; ${append('two')}; commit`,
    `begin; ${append('before')}; savepoint s; ${append('undone')}; rollback to s; ${append('after')}; commit`,
  ];
  for (const sql of changes) {
    await writer.query(sql);
    expect(await settledWithin(horizon, await lastNumber(writer))).toBeLessThan(HALF_HEARTBEAT_MS);
  }
});

test('a change whose number follows that of an open writer waits for it', async () => {
  await using early = await connect();
  await using late = await connect();
  const { relay } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await using horizon = await follow();
  await early.query(`begin; ${append('takes its number first')}`);
  const number = await lastNumber(early);
  await late.query(append('commits first'));
  await eventually(() => expect(relay.state).toBe('awake'));
  expect(horizon.settled).toBeLessThan(number);
  await early.query('commit');
  expect(await settledWithin(horizon, number + 1)).toBeLessThan(HALF_HEARTBEAT_MS);
});

test("a tenant that holds the leader's lock prevents no relay from leading", async () => {
  await using tenant = await connect();
  await tenant.query('select pg_advisory_lock(key) from intendant.relay_leader');
  const { relay } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
});

test('of two relays one leads, and when its connection dies the other does', async () => {
  await using client = await connect();
  const { settled: first } = startRelay();
  await eventually(() => expect(first.length).toBeGreaterThan(0));
  const { settled: second } = startRelay();
  const leaders = `select l.pid from intendant.relay_leader l join pg_stat_activity a on a.pid = l.pid and a.application_name = 'intendant relay'`;
  const { rows } = await client.query(leaders);
  expect(rows).toHaveLength(1);
  expect(second).toEqual([]);
  await client.query('select pg_terminate_backend($1::int)', [rows[0].pid]);
  await client.query(append('before the takeover'));
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
  await eventually(() => expect(settled.at(-1)?.value ?? 0).toBeGreaterThanOrEqual(number));
  proxy.resume();
});

test('a relay can be stopped twice and started again twice', async () => {
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
  await writer.query(`${append('after the restart')}, ('Coke', 'and another')`);
  await eventually(() => expect(settled.length).toBeGreaterThan(before));
});

test('a process that opens a feed notifies the relay, and receives at once how far the log is settled', async () => {
  await using opening = await connect();
  const { relay, settled } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  const before = settled.length;
  const rungAt = performance.now();
  await opening.query(`select pg_notify('${DOORBELL_CHANNEL}', '${RING_OF_OPENING}')`);
  await eventually(() => expect(settled.length).toBeGreaterThan(before));
  expect(performance.now() - rungAt).toBeLessThan(HALF_HEARTBEAT_MS);
});

test('a rolled back transaction delays a committed change only until it ends', async () => {
  await using open = await connect();
  await using writer = await connect();
  const { relay } = startRelay();
  await eventually(() => expect(relay.state).toBe('asleep'));
  await using horizon = await follow();
  await open.query(`begin; ${append('rolled back')}`);
  await writer.query(append('committed'));
  const number = await lastNumber(writer);
  await eventually(() => expect(relay.state).toBe('awake'));
  expect(horizon.settled).toBeLessThan(number);
  await open.query('rollback');
  expect(await settledWithin(horizon, number)).toBeLessThan(HALF_HEARTBEAT_MS);
});

test('an announcement includes all changes up to where it says the log is settled, also those after the check', async () => {
  await using writer = await connect();
  await writer.query(append('found by the check'));
  const noted = await lastNumber(writer);
  await writer.query(append('announced by its writer during the check'));
  const announce = `select unnest(intendant.announce(channel, 'log', $1, $2, $3, false)) as payload from intendant.announcement`;
  const { rows } = await writer.query<{ payload: string }>(announce, [noted - 1, noted + 1, noted]);
  const { settled, last, changes = '' } = readAnnouncement(rows[0]?.payload ?? '');
  expect([settled, last]).toEqual([noted + 1, noted + 1]);
  expect(readEntries(changes).map(({ sequence }) => sequence)).toEqual([noted, noted + 1]);
});

test.for([
  ['the relay', "noted from intendant.check_log('', '', 9000000000000000, false, false, false)"],
  ['a new subscription', `noted from (${LOG_CHECK_SQL.split(';')[0]}) found`],
] as const)('the last number that %s finds never decreases while writers take numbers', async ([, sql]) => {
  await using writer = await connect();
  await using reader = await connect();
  await reader.query(`
    create function decreases() returns int language plpgsql as $function$
    declare
      number bigint;
      previous bigint := 0;
      decreases int := 0;
    begin
      for i in 1..10000 loop
        select ${sql.replace('noted', 'noted into number')};
        if number < previous then decreases := decreases + 1; end if;
        previous := number;
      end loop;
      return decreases;
    end $function$`);
  let isRead = false;
  const write = async () => {
    while (!isRead) await writer.query("select count(nextval('intendant.change_seq')) from generate_series(1, 5000)");
  };
  const writing = write();
  const { rows } = await reader.query('select decreases()');
  isRead = true;
  await writing;
  await reader.query('drop function decreases()');
  expect(rows).toEqual([{ decreases: 0 }]);
});
