import type { Random } from '../random.ts';
import { type Caller, otherOrg } from './caller.ts';
import type { EntryPoint, SystemUnderTest } from './entry-point.ts';
import { anyKey, HOSTILE, pollution } from './hostile-strings.ts';

const API = '/api/v1';

async function request(
  { fetch }: SystemUnderTest,
  { token }: Caller,
  path: string,
  init: RequestInit = {},
): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(path, { ...init, headers: { ...headers, ...init.headers } });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

const get = (name: string, path: (caller: Caller, random: Random) => string): EntryPoint => ({
  name: `GET ${name}`,
  call: (system, caller, random) => request(system, caller, API + path(caller, random)),
});

const part = encodeURIComponent;

const post = (name: string, body: (caller: Caller, random: Random) => unknown): EntryPoint => ({
  name: `POST ${name}`,
  call: (system, caller, random) =>
    request(system, caller, API + name, { method: 'POST', body: JSON.stringify(body(caller, random)) }),
});

export const HTTP_ENTRY_POINTS: readonly EntryPoint[] = [
  get('/summary', () => '/summary'),
  get('/resources', (_caller, random) =>
    random.pick([
      '/resources?table=cell',
      '/resources?table=cell&limit=200',
      `/resources?table=${part(random.pick(HOSTILE))}`,
    ]),
  ),
  get(
    '/resources, hostile',
    (_caller, random) => `/resources?table=cell&status=ERROR&after=${part(random.pick(HOSTILE))}`,
  ),
  get('/resources of another org', (caller, random) => `/resources?table=cell&orgId=${otherOrg(caller, random)}`),
  get('/resources/KEY', (_caller, random) => `/resources/cell/${part(anyKey(random))}`),
  get(
    "/resources/KEY of another's",
    (caller, random) => `/resources/cell/${part(JSON.stringify([otherOrg(caller, random), 'i0', 'r1']))}`,
  ),
  get('/resources/KEY/history', (_caller, random) => `/resources/cell/${part(anyKey(random))}/history`),
  get('/points', () => '/points'),
  get('/tenants', () => '/tenants'),
  get('/dead-letters', () => '/dead-letters'),
  get('/subscriptions', () => '/subscriptions'),
  get('/actions/ID', (_caller, random) => `/actions/${part(anyKey(random))}`),
  post('/actions/retry', (_caller, random) => ({
    ...pollution(),
    table: 'cell',
    keys: [anyKey(random)],
    dryRun: true,
  })),
  post('/actions/purge', (_caller, random) => ({
    table: 'cell',
    filter: { ...pollution(), status: ['ERROR'] },
    dryRun: random.chance(0.9),
  })),
  post('/session', () => pollution()),
  {
    name: 'GET with a forged token',
    call: (system, caller, random) =>
      request(system, caller, `${API}/summary`, {
        headers: { authorization: `Bearer ${caller.token}${random.pick(['x', '.', ' '])}x` },
      }),
  },
];
