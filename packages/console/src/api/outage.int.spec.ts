import { getRequestListener } from '@hono/node-server';
import { eventually, type TcpProxy, tcpProxy } from '@intendant/devdb/testing';
import fc from 'fast-check';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConsoleFixture, openConsole, vm } from '../testing/console-fixture.ts';

let fixture: ConsoleFixture;
let proxy: TcpProxy;
let token: string;

beforeAll(async () => {
  fixture = await openConsole({
    connectionOf: async ({ url, port }) => {
      proxy = await tcpProxy({ targetPort: port });
      return proxy.through(url);
    },
    console: { limits: { requestsPerMinute: 100_000, streamsPerCaller: 10_000 } },
  });
  token = await fixture.token({ roles: ['service_admin'] });
  const r = fixture.realization.as(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
  await r.persistIntent(vm, { id: 'VM1', name: 'x', region: 'us', cpus: 1 }, { enforcementPoints: ['E1'] });
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await proxy?.close();
});

const send = (path: string, init: RequestInit = {}) =>
  fixture.app.request(path, {
    ...init,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
  });

interface Parameter {
  readonly name: string;
  readonly in: string;
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly parameters?: readonly Parameter[] }>>>>;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    'vm',
    'VM1',
    'retry',
    'ERROR',
    "' or 1=1 --",
    '<script>',
    '../..',
    '{"id":"VM1","orgId":"Coke"}',
    '\0',
    '1e400',
    '-1',
    'x'.repeat(300),
  ),
);

const body = fc.oneof(
  fc.record({
    table: fc.oneof(fc.constant('vm'), text),
    keys: fc.array(fc.jsonValue(), { maxLength: 3 }),
    dryRun: fc.boolean(),
  }),
  fc.record({
    table: fc.constant('vm'),
    filter: fc.record({ status: text, q: text, olderThan: text }, { requiredKeys: [] }),
    dryRun: fc.constant(true),
  }),
  fc.record({ name: text, positions: fc.array(text, { maxLength: 2 }) }),
  fc.jsonValue(),
);

test('no request that /openapi.json describes causes a server error, whatever its values are', async () => {
  const { paths } = (await (await send('/openapi.json')).json()) as Described;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({ path, method, parameters })),
  );
  expect(operations.length).toBeGreaterThan(12);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...operations), fc.infiniteStream(text), body, async (operation, values, sent) => {
      const next = () => encodeURIComponent((values.next().value as string).toWellFormed());
      const query = operation.parameters
        .filter(({ in: place }) => place === 'query')
        .map(({ name }) => `${name}=${next()}`);
      const path = `${operation.path.replaceAll(/\{\w+\}/g, next)}?${query.join('&')}`;
      const response = await send(path, {
        method: operation.method.toUpperCase(),
        ...(operation.method === 'post' && { body: JSON.stringify(sent) }),
      });
      await response.body?.cancel();
      if (response.status >= 500)
        throw new Error(`${operation.method} ${path} ${JSON.stringify(sent)}: ${response.status}`);
    }),
    { numRuns: 200 },
  );
});

test('it mounts into a Hono and into a Fastify service, with the page below the same path', async () => {
  const hono = new Hono().route('/console', fixture.app);
  const fastify = Fastify();
  const listener = getRequestListener(hono.fetch);
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.all('/console/*', async (request, reply) => {
      reply.hijack();
      await listener(request.raw, reply.raw);
    });
  });
  const url = await fastify.listen({ port: 0 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  for (const fetchFrom of [
    (path: string, init?: RequestInit) => hono.request(path, init),
    (path: string, init?: RequestInit) => fetch(url + path, init),
  ]) {
    expect((await fetchFrom('/console/api/v1/summary', { headers })).status).toBe(200);
    const retry = { method: 'POST', headers, body: JSON.stringify({ table: 'vm', filter: {}, dryRun: true }) };
    expect(await (await fetchFrom('/console/api/v1/actions/retry', retry)).json()).toMatchObject({ matched: 1 });
  }
  await fastify.close();
});

test('while the database is down every request returns 503 without internal details, and works again afterwards', async () => {
  expect((await send('/readyz')).status).toBe(200);
  const stream = (await send('/api/v1/changes')).text();
  proxy.retarget(1);
  proxy.cut();
  for (const path of [
    'summary',
    'resources?table=vm',
    'resources/vm/%7B%22id%22%3A%22VM1%22%2C%22orgId%22%3A%22Coke%22%7D',
    'points',
    'tenants',
    'dead-letters',
    'subscriptions',
  ]) {
    const down = await send(`/api/v1/${path}`);
    const answered = await down.text();
    expect([path, down.status, answered]).toEqual([
      path,
      503,
      expect.not.stringMatching(/127\.0\.0\.1|password|select|ECONN/i),
    ]);
    expect(down.headers.get('retry-after')).toBe('2');
  }
  const retry = { method: 'POST', body: JSON.stringify({ table: 'vm', filter: {} }) };
  expect((await send('/api/v1/actions/retry', retry)).status).toBe(503);
  expect((await send('/readyz')).status).toBe(503);
  expect((await send('/healthz')).status).toBe(200);
  expect(await stream).toContain('event: begin'); // It has ended, so that no page looks alive.
  expect((await send('/api/v1/changes')).status).toBe(503);
  proxy.retarget(fixture.database.port);
  await eventually(async () => expect((await send('/api/v1/summary')).status).toBe(200));
});
