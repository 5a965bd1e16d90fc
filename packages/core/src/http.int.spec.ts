import { once } from 'node:events';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as fastify from './fastify.ts';
import * as hono from './hono.ts';
import { createDataStore, defineTable, JwtAuthorizer, SimpleInstancer } from './index.ts';
import { onTestServer, openTestStore } from './testing/fixtures.ts';
import { AUDIENCE, ISSUER, startIssuer } from './testing/issuer.ts';

const vm = defineTable('vm', { schema: z.object({ id: z.string(), region: z.string() }), instanced: true });

const issuer = await startIssuer();
const fixture = await openTestStore();
const authorizer = new JwtAuthorizer({ jwks: issuer.jwksUrl, issuer: ISSUER, audience: AUDIENCE });
const { database } = fixture;
const store = await createDataStore({
  ...onTestServer,
  connection: database.url,
  adminConnection: database.adminUrl,
  authorizer,
  instancer: new SimpleInstancer(),
});
beforeAll(() => store.register([vm]));
afterAll(async () => {
  await store.close();
  await fixture[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

/** The same small service, by each framework. */
const services = {
  hono: async () => {
    const app = new Hono<hono.SessionVariables>();
    app.use(hono.sessions(store, { contextOf: (headers) => authorizer.authenticateHeaders(headers) }));
    app.onError(hono.answerError);
    app.get('/vms', async (c) => c.json(await c.var.session.findMany(vm)));
    app.get('/vms/:id', async (c) => c.json(await c.var.session.find(vm, c.req.param('id'))));
    app.post('/vms', async (c) => c.json(await c.var.session.insert(vm, await c.req.json()), 201));
    app.get('/teapot', () => {
      throw new HTTPException(418);
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    if (!server.listening) await once(server, 'listening');
    const { port } = server.address() as { port: number };
    return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
  },
  fastify: async () => {
    const app = Fastify();
    app.register(fastify.sessions(store, { contextOf: (request) => authorizer.authenticateHeaders(request.headers) }));
    app.setErrorHandler(fastify.answerError);
    app.get('/vms', (request) => fastify.sessionOf(request).findMany(vm));
    app.get<{ Params: { id: string } }>('/vms/:id', (request) =>
      fastify.sessionOf(request).find(vm, request.params.id),
    );
    app.post<{ Body: { id: string; region: string } }>('/vms', async (request, reply) =>
      reply.code(201).send(await fastify.sessionOf(request).insert(vm, request.body)),
    );
    app.get('/teapot', () => {
      throw Object.assign(new Error('short and stout'), { statusCode: 418 });
    });
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },
};

describe.each(Object.entries(services))('behind %s', (framework, start) => {
  let service: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service.close());

  const call = async (path: string, token?: string, body?: unknown) => {
    const response = await fetch(service.url + path, {
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  };
  const tokenOf = (orgId: string, instanceId = 'Americas', role = 'tenant_admin') =>
    issuer.token({ org_id: orgId, instance_id: instanceId, roles: [role] });

  test('each of many concurrent requests has its own caller’s rights', async () => {
    const callers = Array.from({ length: 24 }, (_, index) => `${framework}-org-${index % 6}`);
    const id = `${framework}-vm`;
    for (const org of new Set(callers)) {
      const created = await call('/vms', await tokenOf(org), { id, region: org });
      expect(created).toMatchObject({ status: 201, body: { orgId: org, instanceId: 'Americas', revision: 1 } });
    }
    const answers = await Promise.all(callers.map(async (org) => call(`/vms/${id}`, await tokenOf(org))));
    expect(answers.map(({ body }) => body.region)).toEqual(callers);
    expect(await call(`/vms/${id}`, await tokenOf(callers[0] as string, 'Europe'))).toMatchObject({ status: 404 });
  });

  test('no token, a bad one and an expired one are 401, and no handler runs', async () => {
    const expired = await issuer.token({ org_id: 'Coke' }, { expires: 1 });
    for (const token of [undefined, 'rubbish', expired]) {
      const answer = await call('/vms', token);
      expect(answer).toMatchObject({ status: 401, body: { error: { code: 'INVALID_TOKEN' } } });
      if (token) expect(JSON.stringify(answer)).not.toContain(token);
    }
  });

  test.each([
    [404, 'RECORD_NOT_FOUND', '/vms/nobody', 'tenant_admin', undefined],
    [403, 'OPERATION_NOT_ALLOWED', '/vms', 'auditor', { id: 'x', region: 'x' }],
    [400, 'INVALID_RECORD', '/vms', 'tenant_admin', { id: 1 }],
    [403, 'OPERATION_NOT_ALLOWED', '/vms', 'tenant_admin', { id: 'x', region: 'x', orgId: 'Pepsi' }],
  ])('an error of the store has its own HTTP status: %s', async (status, code, path, role, body) => {
    expect(await call(path, await tokenOf('Coke', 'Americas', role), body)).toMatchObject({
      status,
      body: { error: { code } },
    });
  });

  test('an error thrown by the handler has the web framework’s usual response', async () => {
    expect((await call('/teapot', await tokenOf('Coke'))).status).toBe(418);
  });
});

test('a request outside the plugin gets an error that it has no session', async () => {
  expect(() => fastify.sessionOf({} as never)).toThrow(/register the plugin/);
});
