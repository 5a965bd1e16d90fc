import { eventually } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConsole } from '../index.ts';
import { type ConsoleFixture, openConsole, route, vm } from '../testing/console-fixture.ts';

let fixture: ConsoleFixture;
let coke: string;
let pepsi: string;
let auditor: string;
let service: string;

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  "'; drop table vm; --",
  '../../etc/passwd',
  '..',
  '.',
  '{"id":"x"}',
  'ä/ö?#%25&=',
  '🙂',
];

beforeAll(async () => {
  fixture = await openConsole({ console: { metrics: { contentType: 'text/plain', metrics: async () => 'up 1\n' } } });
  coke = await fixture.token({ orgId: 'Coke', roles: ['tenant_admin'] });
  pepsi = await fixture.token({ orgId: 'Pepsi', roles: ['tenant_admin'] });
  auditor = await fixture.token({ orgId: 'Coke', roles: ['tenant_auditor'] });
  service = await fixture.token({ roles: ['service_admin'] });
  const r = fixture.realization.as(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
  for (const id of ['VM1', 'VM2', 'VM3', ...HOSTILE]) {
    await r.persistIntent(
      vm,
      { id, name: `name of ${id}`, region: id === 'VM1' ? 'us' : 'eu', cpus: 4 },
      { enforcementPoints: ['E1', 'E2'] },
    );
  }
  await r.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1');
  await r.markError(vm, { id: 'VM2', revision: 1 }, 'E2', new Error('quota exceeded: 64 of 64'));
  await r.persistIntent(route, { zone: 'a/b', port: 80, target: 'x' }, { enforcementPoints: ['E1'] });
  const p = fixture.realization.as(await fixture.context({ orgId: 'Pepsi', roles: ['tenant_admin'] }));
  await p.persistIntent(vm, { id: 'PEPSI1', name: 'secret', region: 'us', cpus: 1 }, { enforcementPoints: ['E1'] });
  await p.persistIntent(vm, { id: 'VM1', name: 'other', region: 'us', cpus: 1 }, { enforcementPoints: ['E3'] });
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

const get = (path: string, token: string | undefined = coke) =>
  fixture.app.request(path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

const post = (path: string, body: unknown, token = coke) =>
  fixture.app.request(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** The body of a response that must have succeeded. */
async function read<Body>(path: string, token = coke): Promise<Body> {
  const response = await get(path, token);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as Body;
}

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly cells: { point: string; status: string }[];
}

const list = (query: string, token = coke) =>
  read<{ total: number; next: string | null; resources: Listed[] }>(`/api/v1/resources?${query}`, token);

describe('what a caller sees', () => {
  test("a summary counts only the caller's resources", async () => {
    expect(await read('/api/v1/summary')).toMatchObject({
      tables: [{ table: 'vm', total: 3 + HOSTILE.length, statuses: { ERROR: 1, PENDING: 2 + HOSTILE.length } }, {}],
      errors: [{ id: 'VM2', point: 'E2', message: expect.stringContaining('quota exceeded') }],
      caller: { orgId: 'Coke', seesAllTenants: false, mayWrite: true },
    });
  });

  test("the activity of the last half hour counts only the caller's changes", async () => {
    interface Minute {
      readonly realized: number;
      readonly failed: number;
      readonly p99Ms: number | null;
    }
    const sum = async (token: string) => {
      const { activity } = await read<{ activity: Minute[] }>('/api/v1/activity', token);
      expect(activity).toHaveLength(30);
      const total = (field: 'realized' | 'failed') => activity.reduce((all, minute) => all + minute[field], 0);
      return [total('realized'), total('failed'), activity.some(({ p99Ms }) => p99Ms !== null && p99Ms >= 0)];
    };
    expect(await sum(coke)).toEqual([1, 1, true]);
    expect(await sum(pepsi)).toEqual([0, 0, false]);
  });

  test('filters combine', async () => {
    expect((await list('table=vm&status=ERROR')).resources.map(({ id }) => id)).toEqual(['VM2']);
    expect((await list('table=vm&status=ERROR&point=E1')).resources).toEqual([]);
    expect((await list('table=vm&point=E1&status=REALIZED')).resources.map(({ id }) => id)).toEqual(['VM1']);
    expect((await list('table=vm&q=vm region:us')).resources.map(({ id }) => id)).toEqual(['VM1']);
    expect((await list('table=vm&q=100%25')).resources).toEqual([]);
    expect((await list('table=vm&olderThan=1h')).total).toBe(0);
    expect((await list('table=route')).resources[0]).toMatchObject({ key: { zone: 'a/b', port: 80 } });
  });

  test('consecutive pages have no gaps', async () => {
    const seen: string[] = [];
    let after = '';
    for (;;) {
      const page = await list(`table=vm&limit=3${after}`);
      seen.push(...page.resources.map(({ id }) => id));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(new Set(seen).size).toBe(3 + HOSTILE.length);
    expect(seen).toHaveLength(3 + HOSTILE.length);
  });

  test('an id of any characters works in the list, the resource and its history', async () => {
    for (const { id } of (await list('table=vm')).resources) {
      const path = `/api/v1/resources/vm/${encodeURIComponent(id)}`;
      expect((await read<Listed>(path)).id).toBe(id);
      expect((await read<{ transitions: unknown[] }>(`${path}/history`)).transitions.length).toBeGreaterThan(1);
    }
    const [{ id }] = (await list('table=route')).resources as [Listed];
    expect((await get(`/api/v1/resources/route/${encodeURIComponent(id)}`)).status).toBe(200);
  });

  test('history shows what a revision changed', async () => {
    const r = fixture.realization.as(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
    await r.persistIntent(vm, { id: 'VM3', name: 'name of VM3', region: 'eu', cpus: 16, revision: 1 }, {});
    const readHistory = () => read<{ revisions: unknown[] }>('/api/v1/resources/vm/VM3/history');
    const changed = { revision: 2, operation: 'update', fields: [{ field: 'cpus', before: 4, after: 16 }] };
    await eventually(async () => expect((await readHistory()).revisions[0]).toMatchObject(changed)); // The feed may be a moment behind.
  });

  test("a tenant does not see another tenant's resources, and the service sees both", async () => {
    expect((await get('/api/v1/resources/vm/PEPSI1')).status).toBe(404);
    expect((await get('/api/v1/resources/vm/PEPSI1/history')).status).toBe(404);
    expect((await get(`/api/v1/resources/vm/${encodeURIComponent('{"id":"PEPSI1","orgId":"Pepsi"}')}`)).status).toBe(
      403,
    );
    expect((await list('table=vm', pepsi)).resources.map(({ id }) => id)).toEqual(['PEPSI1', 'VM1']);
    const all = await list('table=vm&q=VM1', service);
    expect(all.resources.map(({ id }) => JSON.parse(id).orgId).sort()).toEqual(['Coke', 'Pepsi']);
    for (const { id } of all.resources)
      expect((await get(`/api/v1/resources/vm/${encodeURIComponent(id)}`, service)).status).toBe(200);
  });

  test('data of the service requires a role that may see all tenants', async () => {
    for (const path of ['dead-letters', 'subscriptions', 'tenants']) {
      expect([path, (await get(`/api/v1/${path}`)).status]).toEqual([path, 403]);
      expect([path, (await get(`/api/v1/${path}`, service)).status]).toEqual([path, 200]);
    }
    expect((await get('/metrics')).status).toBe(403);
    expect(await (await get('/metrics', service)).text()).toBe('up 1\n');
    expect(await read('/api/v1/tenants', service)).toMatchObject({
      tenants: [{ orgId: 'Coke' }, { orgId: 'Pepsi', total: 2 }],
    });
  });
});

describe('what a caller may not send', () => {
  test('an error message contains the table name that the caller used', async () => {
    const refused = await get('/api/v1/resources/vm/VM1', service);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { detail: "vm: name the orgId, because the caller's role is not limited to one org" },
    ]);
    for (const action of ['retry', 'resync', 'purge']) {
      const begun = await post(`/api/v1/actions/${action}`, { table: 'vm', keys: ['VM1'] }, service);
      const { id } = (await begun.json()) as { id: string };
      const error = await eventually(async () => {
        const run = await read<{ state: string; error: string }>(`/api/v1/actions/${id}`, service);
        expect(run.state).toBe('failed');
        return run.error;
      });
      expect(error).toMatch(/^vm: name the orgId/);
    }
  });

  test.each([
    ['POST', '/api/v1/summary', 'GET, HEAD'],
    ['DELETE', '/api/v1/resources/vm/VM1', 'GET, HEAD'],
    ['PUT', '/api/v1/session', 'POST, GET, HEAD, DELETE'],
    ['PATCH', '/api/v1/actions/retry', 'POST, GET, HEAD'],
  ])('%s %s is refused, and the response says which methods there are', async (method, path, allow) => {
    const refused = await fixture.app.request(path, { method, headers: { authorization: `Bearer ${coke}` } });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, allow]);
  });

  test('options that are misspelt or out of range are refused by name', () => {
    const { store, realization, subscriptions } = fixture;
    const make = (options: object) => () => createConsole({ store, realization, subscriptions, ...options });
    expect(make({ authorizr: {} })).toThrow('createConsole: there is no option "authorizr"');
    expect(make({ limits: { stream: 1 } })).toThrow(/createConsole, limits: .* "stream"; did you mean streams/);
    expect(make({ limits: { bodyBytes: 0 } })).toThrow('createConsole: limits.bodyBytes: expected');
    expect(make({ sessionLifetimeMs: Number.NaN })).toThrow('createConsole: sessionLifetimeMs: expected');
    expect(make({ hosts: 'localhost' })).toThrow('createConsole: hosts must be a list');
    const { signInLinks } = fixture;
    const context = { claims: {} } as never;
    expect(() => signInLinks.issue(context, { expiresIn: 1 } as never)).toThrow('there is no option "expiresIn"');
    expect(() => signInLinks.issue(context, { expiresInMs: -1 })).toThrow('SignInLinks.issue: expiresInMs: expected');
  });

  test('a request without a token, with a forged or an expired one is refused, and the response contains one sentence only', async () => {
    const forged = `${coke.slice(0, -6)}AAAAAA`;
    const expired = await fixture.token({ orgId: 'Coke', roles: ['tenant_admin'], expiresIn: '-1m' });
    for (const token of ['', forged, expired, 'x', `${coke}.x`]) {
      const refused = await get('/api/v1/summary', token);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('content-type')).toBe('application/problem+json');
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      const text = await refused.text();
      expect(JSON.parse(text)).toMatchObject({ status: 401, title: 'Not signed in' });
      expect(text).not.toContain(coke.slice(0, 20));
    }
    expect((await fixture.app.request('/api/v1/summary')).status).toBe(401);
  });

  test.each([
    ['/api/v1/resources?table=nope', 404],
    ['/api/v1/resources?table=vm&status=BROKEN', 400],
    ['/api/v1/resources?table=vm&limit=0', 400],
    ['/api/v1/resources?table=vm&limit=1e9', 400],
    ['/api/v1/resources?table=vm&olderThan=soon', 400],
    ['/api/v1/resources?table=vm&after=%00', 400],
    ['/api/v1/resources?table=vm&after=WyJhIl0', 400],
    ['/api/v1/resources?table=vm&q=%00', 400],
    [`/api/v1/resources?table=vm&q=${'x'.repeat(5_000)}`, 400],
    [`/api/v1/resources/vm/${'x'.repeat(5_000)}`, 400],
    ['/api/v1/resources/vm/%00', 404],
    ['/api/v1/resources/vm/gone', 404],
    ['/api/v1/resources/vm/%7B%22id%22%3A%5B%5D%7D', 404],
    ['/api/v1/resources/route/80', 404],
    ['/api/v1/actions/none', 404],
    ['/api/v1/nothing', 404],
  ])('%s is refused with %i', async (path, status) => {
    const refused = await get(path);
    expect(refused.status).toBe(status);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toMatchObject({ status, detail: expect.stringMatching(/[a-z]/) });
  });

  test('a body that is malformed, too large or no JSON is refused', async () => {
    expect((await post('/api/v1/actions/retry', '{"table":')).status).toBe(400);
    expect((await post('/api/v1/actions/retry', { table: 'vm' })).status).toBe(400);
    expect((await post('/api/v1/actions/retry', { table: 'vm', keys: ['VM1'] }, auditor)).status).toBe(403);
    expect((await post('/api/v1/actions/retry', { table: 'vm', keys: ['a'], filter: {} })).status).toBe(400);
    expect((await post('/api/v1/actions/retry', { table: 'vm', keys: [{ nope: 1 }] })).status).toBe(400);
    expect((await post('/api/v1/actions/retry', { table: 'vm', keys: ['x'.repeat(2_000_000)] })).status).toBe(413);
    const form = await fixture.app.request('/api/v1/actions/retry', {
      method: 'POST',
      headers: { authorization: `Bearer ${coke}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'table=vm',
    });
    expect(form.status).toBe(415);
  });
});
