import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { defineTable } from '@intendant/core';
import { atScale, eventually, isOnCitus } from '@intendant/devdb/testing';
import { Hono } from 'hono';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createSubscriptions } from './create-subscriptions.ts';
import { serverSentEvents } from './server-sent-events.ts';
import { coke, openFixture, pepsi, sourceThere, vm } from './testing/fixture.ts';
import { HOSTILE_VALUES } from './testing/hostile-values.ts';

const fixture = await openFixture();
const { store, subscriptions } = fixture;
const photo = defineTable('photo', {
  schema: z.object({ id: z.string(), image: z.instanceof(Uint8Array), weight: z.number(), size: z.bigint() }),
});
await store.register([photo], { roles: { tenant_admin: 'tenant_writer' } });
const pictures = await createSubscriptions({ store, records: [photo], ...sourceThere });
const revoked = new Set<string>();
const handler = serverSentEvents(subscriptions, {
  contextOf: async ({ headers }) => {
    const role = headers.get('role') ?? 'tenant_admin';
    const org = headers.get('org');
    return org ? { ...coke, roles: [role], orgId: org === 'none' ? undefined : org } : undefined;
  },
  filterOf: ({ url }) => {
    const { searchParams } = new URL(url);
    const key = searchParams.get('key');
    return key === null ? JSON.parse(searchParams.get('filter') ?? '{}') : { keys: [key] };
  },
  isValid: (context) => !revoked.has((context as typeof coke).orgId),
  heartbeatMs: 50,
});
const app = new Hono().get('/changes/:table', (c) => handler(c.req.raw));
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
afterAll(async () => {
  server.close();
  await pictures.close();
  await fixture[Symbol.asyncDispose]();
});

interface Stream {
  readonly status: number | undefined;
  text: string;
  isOver: boolean;
  close(): void;
}

/** A real client over a real socket. */
function ask(headers: Record<string, string>, path = '/changes/vm'): Promise<Stream> {
  const { port } = server.address() as AddressInfo;
  const { promise, resolve } = Promise.withResolvers<Stream>();
  const request = get({ host: '127.0.0.1', port, path, headers }, (response: IncomingMessage) => {
    const stream: Stream = { status: response.statusCode, text: '', isOver: false, close: () => request.destroy() };
    response.setEncoding('utf8').on('data', (chunk) => {
      stream.text += chunk;
    });
    response.on('end', () => {
      stream.isOver = true;
    });
    response.on('error', () => {});
    resolve(stream);
  });
  request.on('error', () => {});
  return promise;
}

const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);

test('a client receives its own changes, and continues after the last event it has seen', async () => {
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

test('for a position of another log, or from the future, the client receives a reset and later changes', async () => {
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
  ['who names no org', { org: 'none' }, '/changes/vm', 401],

  ['who asks for a table that is not there', { org: 'Coke' }, '/changes/nowhere', 404],
  ['who asks for a malformed address', { org: 'Coke' }, '/changes/%E0%A4%A', 404],
  ['whose role may do nothing', { org: 'Coke', role: 'stranger' }, '/changes/vm', 403],
  ["who asks for another tenant's changes", { org: 'Coke' }, `/changes/vm?filter={"where":{"orgId":"Pepsi"}}`, 403],
  ['who asks for an unknown operation', { org: 'Coke' }, '/changes/vm?filter={"operations":["upsert"]}', 400],
  ['who filters by what changes do not contain', { org: 'Coke' }, '/changes/vm?filter={"where":{"name":"x"}}', 400],
  ['who filters by a field that does not exist', { org: 'Coke' }, '/changes/vm?filter={"where":{"no":1}}', 400],
  ['who makes up a position', { org: 'Coke', 'last-event-id': "1' or true" }, '/changes/vm', 400],
])('%s is refused', async (_, headers, path, status) => {
  const stream = await ask(headers, path);
  expect(stream.status).toBe(status);
  stream.close();
});

test('only the requested changes are sent', async () => {
  const stream = await ask({ org: 'Coke' }, '/changes/vm?key=wanted');
  for (const id of ['other', 'wanted']) await store.as(coke).insert(vm, { id, name: 'x' });
  await eventually(() => expect(stream.text).toContain('wanted'));
  expect(stream.text).not.toContain('other');
  stream.close();
});

test('a stream ends when its context is revoked', async () => {
  const stream = await ask({ org: 'Revoked' });
  await eventually(() => expect(stream.text).toContain(': open'));
  expect(stream.isOver).toBe(false);
  revoked.add('Revoked');
  await eventually(() => expect(stream.isOver).toBe(true));
});

test("a stream ends with its context's token, and one without a term goes on", async () => {
  let claims: object | undefined = { exp: Date.now() / 1_000 + 0.3 };
  const open = serverSentEvents(subscriptions, { contextOf: () => ({ ...coke, claims }) });
  const request = () => new Request('http://localhost/changes/vm');
  const expiring = (await open(request())).body?.getReader();
  claims = undefined;
  const lasting = (await open(request())).body?.getReader();
  const drain = async () => {
    while (!(await expiring?.read())?.done);
  };
  await drain();
  await lasting?.read();
  await store.as(coke).insert(vm, { id: 'after the token', name: 'x' });
  expect(new TextDecoder().decode((await lasting?.read())?.value)).toContain('after the token');
  await lasting?.cancel();
});

test('bytes are sent as base64, and numbers that JSON has no form for as text', async () => {
  const open = serverSentEvents(pictures, { contextOf: () => coke });
  const reader = (await open(new Request('http://localhost/changes/photo'))).body?.getReader();
  await reader?.read();
  const image = Uint8Array.from([0, 255, 10, 97]);
  await fixture.admin.query(
    `insert into photo (org_id, id, image, weight, size) values ('Coke', 'p1', $1, 'Infinity', $2)`,
    [Buffer.from(image), 2n ** 60n],
  );
  const event = new TextDecoder().decode((await reader?.read())?.value);
  const { record } = JSON.parse(event.split('data: ')[1] as string);
  expect(record).toMatchObject({
    image: Buffer.from(image).toString('base64'),
    weight: 'Infinity',
    size: String(2n ** 60n),
  });
  await reader?.cancel();
});

test('a client that reads slowly buffers one event, and hundreds of streams leave nothing behind when they end', async () => {
  const open = serverSentEvents(subscriptions, { contextOf: () => coke, heartbeatMs: 600_000 });
  const readers = await Promise.all(
    Array.from({ length: isOnCitus() ? 50 : atScale(200, 1_000) }, async () =>
      (await open(new Request('http://localhost/changes/vm'))).body?.getReader(),
    ),
  );
  for (const id of ['slow1', 'slow2', 'slow3']) await store.as(coke).insert(vm, { id, name: 'x' });
  const text = async (reader: (typeof readers)[number]) => new TextDecoder().decode((await reader?.read())?.value);
  for (const reader of readers) expect(await text(reader)).toBe(': open\n\n');
  expect(await Promise.all(readers.map(text))).toEqual(readers.map(() => expect.stringContaining('slow1')));
  await Promise.all(readers.map((reader) => reader?.cancel()));
});

test('whatever contextOf throws, the request is refused', async () => {
  for (const value of Object.values(HOSTILE_VALUES)) {
    const open = serverSentEvents(subscriptions, {
      contextOf: () => {
        throw value;
      },
    });
    expect((await open(new Request('http://localhost/changes/vm'))).status).toBe(500);
  }
});

test('invalid options are refused by name', () => {
  const open = (options: object) => () => serverSentEvents(subscriptions, options as never);
  expect(open({})).toThrow(/contextOf is missing/);
  for (const option of ['contextOf', 'tableOf', 'filterOf', 'expiresAt', 'isValid', 'heartbeatMs'])
    expect(open({ contextOf: () => coke, [option]: null })).toThrow(`serverSentEvents: ${option} must be`);
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
