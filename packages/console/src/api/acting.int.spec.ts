import { eventually } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConsole } from '../index.ts';
import { type ConsoleFixture, openConsole, vm } from '../testing/console-fixture.ts';

let fixture: ConsoleFixture;
let coke: string;
let pepsi: string;
let service: string;

beforeAll(async () => {
  fixture = await openConsole({
    console: {
      limits: { streamsPerCaller: 2, signInsPerMinute: 6 },
      mayAct: (context, action) => action !== 'purge' || context.orgId !== 'Pepsi',
    },
  });
  coke = await fixture.token({ orgId: 'Coke', roles: ['tenant_admin'] });
  pepsi = await fixture.token({ orgId: 'Pepsi', roles: ['tenant_admin'] });
  service = await fixture.token({ roles: ['service_admin'] });
  const r = fixture.realization.as(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
  const ids = Array.from({ length: 450 }, (_, index) => `VM${index}`);
  const persist = (id: string) =>
    r.persistIntent(vm, { id, name: id, region: 'us', cpus: 1 }, { enforcementPoints: ['E1'] });
  await Promise.all(ids.map(persist));
  await r.markError(
    vm,
    ids.map((id) => ({ id, revision: 1 })),
    'E1',
    new Error('quota exceeded'),
  );
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

const send = (path: string, { token = coke, headers = {}, ...init }: RequestInit & { token?: string } = {}) =>
  fixture.app.request(path, {
    ...init,
    headers: { ...(token !== '' && { authorization: `Bearer ${token}` }), ...(headers as object) },
  });

const post = (path: string, body: unknown, init: RequestInit & { token?: string } = {}) =>
  send(path, {
    method: 'POST',
    body: JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...(init.headers as object) },
  });

async function bodyOf<Body>(response: Promise<Response> | Response, status: number): Promise<Body> {
  const answered = await response;
  expect(answered.status).toBe(status);
  return (await answered.json()) as Body;
}

interface Run {
  readonly id: string;
  readonly state: string;
  readonly total: number;
  readonly done: number;
}

const finished = (id: string): Promise<Run> =>
  eventually(async () => {
    const run = await bodyOf<Run>(send(`/api/v1/actions/${id}`), 200);
    expect(run.state).toBe('done');
    return run;
  });

describe('actions', () => {
  test('a bulk retry first returns the number of resources, then retries them, and is logged', async () => {
    const filter = { status: 'ERROR' };
    expect(await bodyOf(post('/api/v1/actions/retry', { table: 'vm', filter, dryRun: true }), 200)).toMatchObject({
      matched: 450,
    });
    expect((await bodyOf<{ total: number }>(send('/api/v1/resources?table=vm&status=ERROR'), 200)).total).toBe(450);
    expect((await post('/api/v1/actions/retry', { table: 'vm', filter, atMost: 449 })).status).toBe(409);
    const { id } = await bodyOf<Run>(post('/api/v1/actions/retry', { table: 'vm', filter }), 202);
    expect(await finished(id)).toMatchObject({ total: 450, done: 450, failed: 0 });
    expect((await bodyOf<{ total: number }>(send('/api/v1/resources?table=vm&status=ERROR'), 200)).total).toBe(0);
    expect(fixture.logged.findLast(({ audit }) => audit === true)).toMatchObject({
      action: 'retry',
      by: 'Coke/tenant_admin',
      orgId: 'Coke',
      table: 'vm',
      matched: 450,
    });
    expect((await send(`/api/v1/actions/${id}`, { token: pepsi })).status).toBe(404);
  });

  test('resync and purge take keys, and count keys that do not exist separately', async () => {
    const { id } = await bodyOf<Run>(post('/api/v1/actions/resync', { table: 'vm', keys: ['VM1', 'gone'] }), 202);
    await finished(id);
    const purge = await bodyOf<Run>(post('/api/v1/actions/purge', { table: 'vm', keys: ['VM2', { id: 'gone' }] }), 202);
    expect(await finished(purge.id)).toMatchObject({ total: 2, done: 1, failed: 1 });
    expect((await send('/api/v1/resources/vm/VM2')).status).toBe(404);
  });

  test("a filter or keys for another tenant's resources match nothing", async () => {
    const all = { table: 'vm', filter: {}, dryRun: true };
    expect(await bodyOf(post('/api/v1/actions/purge', all), 200)).toMatchObject({ matched: 449 });
    expect(await bodyOf(post('/api/v1/actions/retry', all, { token: pepsi }), 200)).toMatchObject({ matched: 0 });
    expect((await post('/api/v1/actions/purge', { table: 'vm', keys: ['VM1'] }, { token: pepsi })).status).toBe(403);
    const named = { table: 'vm', keys: [{ id: 'VM1', orgId: 'Coke' }], dryRun: false };
    const { id } = await bodyOf<Run>(post('/api/v1/actions/retry', named, { token: pepsi }), 202);
    const run = await eventually(async () => {
      const found = await bodyOf<Run & { error: string }>(send(`/api/v1/actions/${id}`, { token: pepsi }), 200);
      expect(found.state).not.toBe('running');
      return found;
    });
    expect(run).toMatchObject({ state: 'failed', done: 0 });
  });

  test('only the service may drain a point, and a preview comes first', async () => {
    await fixture.realization.points.add({ id: 'E1' });
    expect((await post('/api/v1/actions/drain', { point: 'E1' })).status).toBe(403);
    expect((await post('/api/v1/actions/drain', { point: 'nowhere' }, { token: service })).status).toBe(404);
    const preview = await bodyOf(post('/api/v1/actions/drain', { point: 'E1', dryRun: true }, { token: service }), 200);
    expect(preview).toMatchObject({ matched: 449, dryRun: true });
  });

  test('a retry by keys does not touch points that are not in the status of the filter', async () => {
    const r = fixture.realization.as(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
    await r.persistIntent(
      vm,
      { id: 'both', name: 'both', region: 'us', cpus: 1 },
      { enforcementPoints: ['E1', 'E2', 'E3'], allowUnknownPoints: true },
    );
    for (const point of ['E1', 'E2']) await r.markError(vm, { id: 'both', revision: 1 }, point, new Error('full'));
    const retried = async (body: Record<string, unknown>) => {
      const request = { table: 'vm', keys: ['both'], ...body };
      await finished((await bodyOf<Run>(post('/api/v1/actions/retry', request), 202)).id);
      const { enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, 'both');
      return ['E1', 'E2', 'E3'].map((point) => enforcement.get(point)?.status);
    };
    expect(await retried({ status: 'PENDING' })).toEqual(['ERROR', 'ERROR', 'PENDING']);
    expect(await retried({ status: 'ERROR', point: 'E1' })).toEqual(['PENDING', 'ERROR', 'PENDING']);
    expect(await retried({ status: 'ERROR,PENDING' })).toEqual(['PENDING', 'PENDING', 'PENDING']);
    expect((await post('/api/v1/actions/retry', { table: 'vm', keys: ['both'], status: 'BROKEN' })).status).toBe(400);
  });
});

describe('a browser', () => {
  const cookieOf = (response: Response): string => (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

  test('a link signs in once, and changes require the token of its session', async () => {
    const link = fixture.signInLinks.issue(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
    const opened = await post('/api/v1/session', { link }, { token: '' });
    expect(opened.headers.get('set-cookie')).toMatch(/HttpOnly.*SameSite=Strict/i);
    const cookie = cookieOf(opened);
    const { csrfToken } = await bodyOf<{ csrfToken: string }>(opened, 201);
    expect((await post('/api/v1/session', { link }, { token: '' })).status).toBe(401);
    expect((await send('/api/v1/summary', { token: '', headers: { cookie } })).status).toBe(200);
    const retry = { table: 'vm', keys: ['VM1'], dryRun: true };
    const act = (headers: Record<string, string>) =>
      post('/api/v1/actions/retry', retry, { token: '', headers: { cookie, ...headers } });
    expect((await act({})).status).toBe(403);
    expect((await act({ 'x-csrf-token': 'x'.repeat(csrfToken.length) })).status).toBe(403);
    expect((await act({ 'x-csrf-token': csrfToken })).status).toBe(200);
    const closed = await send('/api/v1/session', {
      method: 'DELETE',
      token: '',
      headers: { cookie, 'x-csrf-token': csrfToken },
    });
    expect(closed.status).toBe(204);
    expect((await send('/api/v1/summary', { token: '', headers: { cookie } })).status).toBe(401);
  });

  test('a valid token signs in, a wrong one does not, and too many attempts are refused', async () => {
    expect((await post('/api/v1/session', { token: coke }, { token: '' })).status).toBe(201);
    expect((await post('/api/v1/session', { token: 'forged' }, { token: '' })).status).toBe(401);
    const tries = [];
    for (let attempt = 0; attempt < 5; attempt++)
      tries.push((await post('/api/v1/session', { link: 'guess' }, { token: '' })).status);
    expect(tries).toContain(429);
  });

  test('a request with an unknown host name is refused', async () => {
    const { store, realization, subscriptions } = fixture;
    const app = createConsole({ store, realization, subscriptions, hosts: ['localhost', '[::1]'] });
    const statusAt = async (host: string) => (await app.request('/healthz', { headers: { host } })).status;
    expect(await statusAt('localhost:4000')).toBe(200);
    expect(await statusAt('[::1]:4000')).toBe(200);
    expect(await statusAt('rebound.example.com:4000')).toBe(421);
  });

  test('pages load nothing from other origins and cannot be framed', async () => {
    const { headers } = await send('/', { token: '' });
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
  });
});

/** Reads events until one matches. */
async function nextEvent(stream: Response, matches: RegExp): Promise<string> {
  const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended after: ${text}`);
    text += decoder.decode(value, { stream: true });
    const found = text.split('\n\n').find((event) => matches.test(event));
    if (found === undefined) continue;
    await reader.cancel();
    return found;
  }
}

test('dead letters of another database cannot be replayed or dropped, and the response says so', async () => {
  const own = await fixture.subscriptions.subscribe('vm', async () => {}, { name: 'billing' });
  const [logId] = own.position.split('-');
  const drop = async (name: string, position: string) =>
    (await post('/api/v1/dead-letters/drop', { name, positions: [position] }, { token: service })).status;
  const number = '0000000000000042';
  expect(await drop('billing', `00000000-${number}`)).toBe(400);
  expect(await drop('billing', `${logId}-${number}`)).toBe(200);
  expect(await drop('nobody', `${logId}-${number}`)).toBe(404);
  await own.close();
});

describe('the stream of changes', () => {
  test('sends a tenant only its own changes, and continues after the last event received', async () => {
    const r = fixture.realization.as(await fixture.context({ orgId: 'Coke', roles: ['tenant_admin'] }));
    const p = fixture.realization.as(await fixture.context({ orgId: 'Pepsi', roles: ['tenant_admin'] }));
    const stream = await send('/api/v1/changes?table=vm&kind=resource');
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    await p.persistIntent(vm, { id: 'THEIRS', name: 'x', region: 'us', cpus: 1 }, { enforcementPoints: [] });
    await r.persistIntent(vm, { id: 'MINE1', name: 'x', region: 'us', cpus: 1 }, { enforcementPoints: [] });
    const first = await nextEvent(stream, /event: change/);
    expect(first).toContain('"id":"MINE1"');
    await r.persistIntent(vm, { id: 'MINE2', name: 'x', region: 'us', cpus: 1 }, { enforcementPoints: [] });
    const [, position] = /^id: (\S+)/.exec(first) as unknown as [string, string];
    const resumed = await send('/api/v1/changes?table=vm&kind=resource', { headers: { 'last-event-id': position } });
    expect(await nextEvent(resumed, /event: change/)).toContain('"id":"MINE2"');
    expect((await send('/api/v1/changes', { headers: { 'last-event-id': 'x' } })).status).toBe(400);
    const elsewhere = await send('/api/v1/changes', { headers: { 'last-event-id': '00000000-0000000000000001' } });
    expect(await nextEvent(elsewhere, /event: reset/)).toContain('event: reset');
  });

  test('behind a proxy, where all callers have one address, a tenant does not use up the streams of another', async () => {
    const { store, realization, subscriptions, context } = fixture;
    const contextOf = ({ headers }: Request) =>
      context({ orgId: headers.get('x-org') as string, roles: ['tenant_admin'] });
    const mounted = createConsole({
      store,
      realization,
      subscriptions,
      contextOf,
      limits: { streamsPerCaller: 1 },
    });
    const stop = new AbortController();
    const statusFor = async (org: string) =>
      (await mounted.request('/api/v1/changes', { headers: { 'x-org': org }, signal: stop.signal })).status;
    expect([await statusFor('Coke'), await statusFor('Coke'), await statusFor('Pepsi')]).toEqual([200, 429, 200]);
    stop.abort();
  });

  test("a stream beyond the caller's limit is refused, and another may open when one ends", async () => {
    const stop = new AbortController();
    const open = () => send('/api/v1/changes', { signal: stop.signal });
    expect([(await open()).status, (await open()).status, (await open()).status]).toEqual([200, 200, 429]);
    stop.abort();
    await eventually(async () => {
      const again = await send('/api/v1/changes');
      expect(again.status).toBe(200);
      await again.body?.cancel();
    });
  });
});
