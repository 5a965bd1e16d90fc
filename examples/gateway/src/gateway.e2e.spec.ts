import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, gatewayWorker, openControlPlane } from './control-plane.ts';
import { EdgeSite } from './edge-site.ts';
import { whyNoNginx } from './needs.ts';
import { hostNameOf, route } from './route.ts';
import { freePort, startUpstream } from './upstream.ts';
import { startWorker } from './worker-process.ts';

/** In CI, as root on Debian, nginx is installed; elsewhere the tests skip with the reason. */
if (process.env['CI'] !== undefined && whyNoNginx() !== undefined && process.getuid?.() === 0)
  execFileSync('apt-get', ['install', '-y', '-qq', 'nginx-light'], { stdio: 'ignore' });
const reason = whyNoNginx();
if (reason !== undefined) console.warn(`examples/gateway: skipped, since ${reason}`);

const coke = { orgId: 'Coke', roles: ['tenant_admin'] };
const pepsi = { orgId: 'Pepsi', roles: ['tenant_admin'] };
const LIMIT = { timeoutMs: 60_000 };
const TIMEOUT = { timeout: 120_000 };
const web = { id: 'web', match: 'prefix', path: '/' } as const;

let database: TestDatabase;
let plane: ControlPlane;
let site: EdgeSite;
let upstreams: { server: Server; url: string }[];
const bodies = async (orgId: string) =>
  (await site.request(hostNameOf({ id: 'web', orgId }), '/')).map(({ status, body }) =>
    status === 200 ? body : status,
  );

beforeAll(async () => {
  if (reason !== undefined) return;
  database = await testDatabase();
  plane = await openControlPlane(database.adminUrl);
  site = await EdgeSite.open(['edge1', 'edge2']);
  upstreams = [await startUpstream('one'), await startUpstream('two')];
  await gatewayWorker(plane, 'edge1', site.gateway('edge1')).start();
});
afterAll(async () => {
  await plane?.close();
  await site?.[Symbol.asyncDispose]();
  for (const { server } of upstreams ?? []) server.close();
  await database?.drop();
});

test.skipIf(reason !== undefined)('a worker killed between write and reload loses no route', TIMEOUT, async () => {
  const r = plane.realization.as(coke);
  const edge2 = site.gateway('edge2');
  const doomed = startWorker(database.adminUrl, 'edge2', edge2, { GATEWAY_PAUSE_BEFORE_RELOAD_MS: '600000' });
  await doomed.printed('ready');
  await r.persistIntent(route, { ...web, upstream: upstreams[0]?.url ?? '' });
  await doomed.printed('written');
  doomed.child.kill('SIGKILL');
  await once(doomed.child, 'exit');
  await gatewayWorker(plane, 'edge2', edge2).start();
  await r.waitFor(route, 'web', { status: 'REALIZED', ...LIMIT });
  expect(await bodies('Coke')).toEqual(['one', 'one']);
});

test.skipIf(reason !== undefined)(
  "a bad route is an ERROR with nginx's message while the former one serves, and the next intent recovers",
  TIMEOUT,
  async () => {
    const r = plane.realization.as(pepsi);
    let { record } = await r.persistIntent(route, { ...web, upstream: upstreams[1]?.url ?? '' });
    await r.waitFor(route, 'web', { status: 'REALIZED', ...LIMIT });
    ({ record } = await r.persistIntent(route, { ...record, match: 'pattern', path: '^/(unclosed' }));
    await r.waitFor(route, 'web', { status: 'ERROR', ...LIMIT });
    const { overall } = await r.getOverallStatusWithEnforcementDetails(route, 'web');
    expect(overall.additionalDetails).toMatch(/pcre2?_compile\(\) failed: missing/);
    expect(overall.additionalDetails).not.toContain(site.gateway('edge1').folder);
    expect(await bodies('Pepsi')).toEqual(['two', 'two']);
    ({ record } = await r.persistIntent(route, {
      ...record,
      ...web,
      upstream: `http://127.0.0.1:${await freePort()}`,
    }));
    await r.waitFor(route, 'web', { status: 'ERROR', ...LIMIT });
    ({ record } = await r.persistIntent(route, { ...record, upstream: upstreams[0]?.url ?? '' }));
    await r.waitFor(route, 'web', { status: 'REALIZED', ...LIMIT });
    expect(await bodies('Pepsi')).toEqual(['one', 'one']);
    await r.softDelete(route, 'web');
    await r.waitFor(route, 'web', { status: 'DELETION_REALIZED', ...LIMIT });
    expect(await bodies('Pepsi')).toEqual([404, 404]);
  },
);

test.skipIf(reason !== undefined)('text that would change the configuration is refused', TIMEOUT, async () => {
  const r = plane.realization.as(coke);
  for (const bad of [{ path: '/ { return 200; } location /x' }, { upstream: 'http://x/;evil on' }, { id: '../web' }])
    await expect(r.persistIntent(route, { ...web, upstream: 'http://x/', ...bad })).rejects.toThrow(/use (no|lower)/);
});
