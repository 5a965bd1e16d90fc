import { createDataStore } from '@intendant/core';
import { crashableServer, eventually, tcpProxy, withClient } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Change } from './change.ts';
import { createSubscriptions } from './create-subscriptions.ts';
import type { Subscriptions } from './subscriptions.ts';
import { note } from './testing/fixture.ts';

const server = await crashableServer();
const proxy = await tcpProxy({ targetPort: server.port });
const lines: string[] = [];
const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line).msg) });

/** A process that reaches the server through these URLs. */
async function openProcess(url: string, adminUrl: string) {
  const store = await createDataStore({ connection: url, adminConnection: adminUrl });
  await store.register([note]);
  const subscriptions = await createSubscriptions({ store, logger });
  return { subscriptions, [Symbol.asyncDispose]: () => store.close() };
}

let subscriptions: Subscriptions;
let opened: Awaited<ReturnType<typeof openProcess>>;
beforeAll(async () => {
  opened = await openProcess(proxy.through(server.url), proxy.through(server.adminUrl));
  subscriptions = opened.subscriptions;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
  await proxy.close();
  await server[Symbol.asyncDispose]();
});

const slow = { timeoutMs: 25_000 };
const admin = (sql: string) => {
  const url = new URL(server.adminUrl);
  url.port = String(server.port);
  return withClient(url.href, (client) => client.query(sql));
};
const write = (id: string) => admin(`insert into note (org_id, id, size) values ('Coke', '${id}', 1)`);
const ids = (changes: readonly Change[]) => changes.map(({ key }) => key['id']);
const follow = async (options = {}) => {
  const seen: Change[] = [];
  const subscription = await subscriptions.subscribe('note', (change) => seen.push(change), options);
  return { seen, subscription };
};

test('after a server crash and a restart on another port no change is lost, and each change of state is logged once', async () => {
  const plain = await follow();
  const durable = await follow({ name: 'survivor' });
  await write('before');
  await eventually(() => expect([...ids(plain.seen), ...ids(durable.seen)]).toEqual(['before', 'before']));
  lines.length = 0;
  const oldPort = server.port;
  await server.crash();
  await server.start('another-port');
  expect(server.port).not.toBe(oldPort);
  proxy.retarget(server.port);
  await write('after');
  for (const { seen } of [plain, durable])
    await eventually(() => expect([...new Set(ids(seen))]).toEqual(['before', 'after']), slow);
  await eventually(() => expect(subscriptions.stats().listener.isConnected).toBe(true), slow);
  expect(ids(plain.seen)).toEqual(['before', 'after']);
  const repeated = lines.filter((line, index) => lines.indexOf(line) !== index);
  expect(repeated).toEqual([]);
  await plain.subscription.close();
  await durable.subscription.close();
});

test('a process continues after all its backends were terminated', async () => {
  const { seen, subscription } = await follow();
  await write('t1');
  await eventually(() => expect(ids(seen)).toEqual(['t1']));
  await admin(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`);
  await write('t2');
  await eventually(() => expect(ids(seen)).toEqual(['t1', 't2']), slow);
  await subscription.close();
});

test('another process takes over the work of one whose network hangs', async () => {
  const here = await follow({ name: 'hangs' });
  await using other = await openProcess(
    server.url.replace(/:\d+\//, `:${server.port}/`),
    proxy.through(server.adminUrl),
  );
  const there: Change[] = [];
  await other.subscriptions.subscribe('note', (change) => there.push(change), { name: 'hangs' });
  await eventually(() => expect(here.subscription.stats().slots).toBe(16), slow);
  proxy.pause();
  for (let n = 0; n < 8; n++) await write(`hang${n}`);
  await eventually(() => expect(ids(there)).toHaveLength(8), slow);
  proxy.resume();
  await write('resumed');
  await eventually(() => expect([...ids(there), ...ids(here.seen)]).toContain('resumed'), slow);
  await here.subscription.close();
});

test('a clock that jumps changes nothing', async () => {
  const { seen, subscription } = await follow({ name: 'clock' });
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    for (const [index, jumpMs] of [86_400_000, -172_800_000, 0].entries()) {
      vi.setSystemTime(Date.now() + jumpMs);
      await admin(`insert into note (org_id, id, size) values ('Coke', 'clock${index}', 1)`);
      await vi.waitFor(() => expect(ids(seen)).toHaveLength(index + 1), slow.timeoutMs);
    }
  } finally {
    vi.useRealTimers();
  }
  await subscription.close();
});

test('a log that was replaced, or has lost its end, resets its subscribers, and they continue', async () => {
  let resets = 0;
  const { seen, subscription } = await follow({ onReset: () => resets++ });
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'intendant relay'`;
  await admin(`update intendant.change_log_identity set id = 'ffffffff'; ${terminate}`);
  await eventually(() => expect(resets).toBe(1), slow);
  await write('in the new log');
  await eventually(() => expect(ids(seen)).toEqual(['in the new log']), slow);
  expect(subscription.position).toMatch(/^ffffffff-/);
  await admin(`delete from intendant.change_log where seq > 3; select setval('intendant.change_seq', 3); ${terminate}`);
  await eventually(() => expect(resets).toBe(2), slow);
  await write('after the loss');
  await eventually(() => expect(ids(seen)).toEqual(['in the new log', 'after the loss']), slow);
  await subscription.close();
});
