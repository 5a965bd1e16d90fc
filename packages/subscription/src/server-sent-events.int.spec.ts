import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { eventually } from '@intendant/devdb/testing';
import { Hono } from 'hono';
import { afterAll, expect, test } from 'vitest';
import { serverSentEvents } from './server-sent-events.ts';
import { coke, openFixture, pepsi, vm } from './testing/fixture.ts';

const fixture = await openFixture();
const { store, subscriptions } = fixture;
const handler = serverSentEvents(subscriptions, {
  contextOf: async ({ headers }) => {
    const role = headers.get('role') ?? 'tenant_admin';
    return headers.get('org') ? { ...coke, roles: [role], orgId: headers.get('org') } : undefined;
  },
  heartbeatMs: 50,
});
const app = new Hono().get('/changes/:table', (c) => handler(c.req.raw));
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
afterAll(async () => {
  server.close();
  await fixture[Symbol.asyncDispose]();
});

interface Stream {
  readonly status: number | undefined;
  text: string;
  close(): void;
}

/** A real client over a real socket. */
function ask(headers: Record<string, string>, path = '/changes/vm'): Promise<Stream> {
  const { port } = server.address() as AddressInfo;
  const { promise, resolve } = Promise.withResolvers<Stream>();
  const request = get({ host: '127.0.0.1', port, path, headers }, (response: IncomingMessage) => {
    const stream: Stream = { status: response.statusCode, text: '', close: () => request.destroy() };
    response.setEncoding('utf8').on('data', (chunk) => {
      stream.text += chunk;
    });
    response.on('error', () => {});
    resolve(stream);
  });
  request.on('error', () => {});
  return promise;
}

const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);

test('a client hears of its own changes, and goes on after the last event it has seen', async () => {
  const first = await ask({ org: 'Coke' });
  expect(first.status).toBe(200);
  await eventually(() => expect(first.text).toContain(': open'));
  for (const id of ['e1', 'e2'])
    for (const context of [pepsi, coke]) await store.as(context).insert(vm, { id, name: 'x' });
  await eventually(() => expect(idsIn(first.text)).toHaveLength(2));
  expect(first.text).toContain('event: insert');
  expect(first.text).not.toContain('Pepsi');
  first.close();
  const [seen, missed] = idsIn(first.text);
  const second = await ask({ org: 'Coke', 'last-event-id': seen as string });
  await eventually(() => expect(idsIn(second.text)).toEqual([missed]));
  await eventually(() => expect(second.text).toContain(': still here'));
  expect(second.text).not.toContain('reset');
  second.close();
});

test("another tenant's position shows nothing of that tenant", async () => {
  const theirs = await ask({ org: 'Pepsi' });
  await eventually(() => expect(theirs.text).toContain(': open'));
  for (const id of ['p1', 'p2']) await store.as(pepsi).insert(vm, { id, name: 'secret' });
  await eventually(() => expect(idsIn(theirs.text)).toHaveLength(2));
  theirs.close();
  const mine = await ask({ org: 'Coke', 'last-event-id': idsIn(theirs.text)[0] as string });
  await store.as(coke).insert(vm, { id: 'm1', name: 'mine' });
  await eventually(() => expect(mine.text).toContain('m1'));
  expect(mine.text).not.toContain('p2');
  mine.close();
});

test('a position of another log, or from the future, is answered by a reset and what comes after it', async () => {
  for (const id of ['00000000-0000000000000001', `${subscriptions.stats().settled.slice(0, 9)}${'9'.repeat(16)}`]) {
    const stream = await ask({ org: 'Coke', 'last-event-id': id });
    await eventually(() => expect(stream.text).toContain('event: reset'));
    await store.as(coke).insert(vm, { id: `after ${id}`, name: 'x' });
    await eventually(() => expect(stream.text).toContain(`after ${id}`));
    stream.close();
  }
});

test.each([
  ['nobody', {}, '/changes/vm', 401],
  ['who asks for a table that is not there', { org: 'Coke' }, '/changes/nowhere', 404],
  ['who asks for what is no proper address', { org: 'Coke' }, '/changes/%E0%A4%A', 404],
  ['whose role may do nothing', { org: 'Coke', role: 'stranger' }, '/changes/vm', 403],
  ['who makes up a position', { org: 'Coke', 'last-event-id': "1' or true" }, '/changes/vm', 400],
])('%s is refused', async (_, headers, path, status) => {
  const stream = await ask(headers, path);
  expect(stream.status).toBe(status);
  stream.close();
});

test('streams end when the subscriptions close', async () => {
  const stream = await ask({ org: 'Coke' });
  let hasEnded = false;
  const ended = subscriptions.close().then(() => {
    hasEnded = true;
  });
  await ended;
  expect(hasEnded).toBe(true);
  const late = await ask({ org: 'Coke' });
  expect(late.status).toBe(503);
  stream.close();
});
