import { eventually, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from './app.ts';
import { startBilling } from './billing.ts';
import { billedMachine } from './machine.ts';
import { openService, type Service, siteWorker } from './service.ts';
import { createIdentityProvider } from './tokens.ts';

const LIMIT = { timeoutMs: 30_000 };
const BODY = { site: 'berlin', cpus: 8, memoryGb: 32 };

let database: TestDatabase;
let service: Service;
let app: ReturnType<typeof createApp>;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  database = await testDatabase();
  const identity = await createIdentityProvider();
  service = await openService(database.adminUrl, identity);
  app = createApp(service);
  for (const org of ['Coke', 'Pepsi']) tokens[org] = await identity.token(org, 'tenant_admin');
  tokens['auditor'] = await identity.token('Coke', 'tenant_auditor');
  await startBilling(service);
  await startBilling(service); // Two members of one name share the work.
  await siteWorker(service, 'berlin').start();
});
afterAll(async () => {
  await service?.close();
  await database?.drop();
});

async function call(method: string, path: string, { as = 'Coke', body, ...headers }: Record<string, unknown> = {}) {
  const response = await app.request(path, {
    method,
    headers: {
      ...(tokens[as as string] !== undefined && { authorization: `Bearer ${tokens[as as string]}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const bill = async (org: string) => {
  const context = service.identity.authorizer.trustedContext({ orgId: org, roles: ['tenant_admin'] });
  return (await service.store.as(context).findMany(billedMachine)).map(({ id, cpus }) => `${id}: ${cpus}`);
};

test('create-only, update-only and stale entity tags have different responses', async () => {
  expect(await call('PUT', '/machines/a', { body: BODY, 'if-none-match': '*' })).toMatchObject({
    status: 201,
    etag: '"1"',
  });
  expect(await call('PUT', '/machines/a', { body: BODY, 'if-none-match': '*' })).toMatchObject({ status: 412 });
  expect(await call('PUT', '/machines/a', { body: { ...BODY, cpus: 16 }, 'if-match': '"1"' })).toMatchObject({
    status: 200,
    etag: '"2"',
  });
  expect(await call('PUT', '/machines/a', { body: BODY, 'if-match': '"1"' })).toMatchObject({ status: 412 });
  expect(await call('PUT', '/machines/gone', { body: BODY, 'if-match': '"1"' })).toMatchObject({ status: 412 });
  expect(await call('PUT', '/machines/gone', { body: BODY, 'if-match': '*' })).toMatchObject({ status: 412 });
  expect(await call('PUT', '/machines/a', { body: BODY, 'if-match': 'W/"1"' })).toMatchObject({ status: 400 });
  expect(await call('GET', '/machines/a', { 'if-none-match': '"2"' })).toMatchObject({ status: 304 });
  expect(await call('GET', '/machines/gone')).toMatchObject({ status: 404 });
});

test('a tenant sees only its own machines, and a reader cannot change them', async () => {
  await call('PUT', '/machines/secret', { body: BODY });
  expect(await call('GET', '/machines/secret', { as: 'Pepsi' })).toMatchObject({ status: 404 });
  expect((await call('GET', '/machines', { as: 'Pepsi' })).body).toEqual({ machines: [], next: null });
  expect(await call('DELETE', '/machines/secret', { as: 'Pepsi' })).toMatchObject({ status: 404 });
  expect(await call('PUT', '/machines/secret', { as: 'auditor', body: BODY })).toMatchObject({ status: 403 });
  expect(await call('GET', '/machines', { as: 'nobody' })).toMatchObject({ status: 401 });
  expect(await call('GET', '/changes', { as: 'nobody' }).catch(() => ({ status: 401 }))).toMatchObject({ status: 401 });
});

test('bad bodies, ids and queries are 400 with the field that is wrong', async () => {
  const bad = await call('PUT', '/machines/b', { body: { ...BODY, cpus: 0 } });
  expect(bad).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('cpus') } } });
  expect(await call('PUT', `/machines/${encodeURIComponent("x' or 1=1")}`, { body: BODY })).toMatchObject({
    status: 400,
  });
  expect(await call('GET', '/machines?limit=0')).toMatchObject({ status: 400 });
  expect(await call('GET', '/nothing')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
});

test('a body that is not JSON, or far too long, is refused as every other wrong request is', async () => {
  const put = async (body: string) => {
    const headers = { authorization: `Bearer ${tokens['Coke']}`, 'content-type': 'application/json' };
    const response = await app.request('/machines/b', { method: 'PUT', headers, body });
    return { status: response.status, body: await response.json() };
  };
  expect(await put('{bad')).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } });
  expect(await put('x'.repeat(20_000))).toMatchObject({ status: 413, body: { error: { code: 'TOO_LARGE' } } });
});

test('pages carry the status of each machine, and a filter narrows them', async () => {
  for (let index = 0; index < 5; index++)
    await call('PUT', `/machines/p-${index}`, { as: 'Pepsi', body: { ...BODY, cpus: index === 4 ? 512 : 4 } });
  await eventually(async () => {
    const { body } = await call('GET', '/machines?limit=3', { as: 'Pepsi' });
    expect(body.machines.map(({ id, status }: Record<string, string>) => `${id} ${status}`)).toEqual([
      'p-0 REALIZED',
      'p-1 REALIZED',
      'p-2 REALIZED',
    ]);
    const next = await call('GET', `/machines?limit=3&after=${body.next}`, { as: 'Pepsi' });
    expect(next.body).toMatchObject({ machines: [{ id: 'p-3' }, { id: 'p-4', status: 'ERROR' }], next: null });
  }, LIMIT);
  expect((await call('GET', '/machines?minCpus=100', { as: 'Pepsi' })).body.machines).toHaveLength(1);
});

test('each machine is billed exactly once, however often it changes, until it is deleted', async () => {
  for (const cpus of [8, 16, 24]) await call('PUT', '/machines/billed', { body: { ...BODY, cpus } });
  await eventually(async () => expect(await bill('Coke')).toContain('billed: 24'), { timeoutMs: 25_000 });
  expect((await call('DELETE', '/machines/billed')).status).toBe(202);
  await eventually(async () => expect((await bill('Coke')).join()).not.toContain('billed'), LIMIT);
  expect((await bill('Pepsi')).join()).not.toContain('secret');
});

test('the service describes itself', async () => {
  const { body } = await call('GET', '/openapi.json');
  expect(Object.keys(body.paths)).toEqual(['/machines', '/machines/{id}']);
});
