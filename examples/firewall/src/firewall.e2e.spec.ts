import { execFileSync } from 'node:child_process';
import { type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, openControlPlane, pointWorker } from './control-plane.ts';
import { namespaceFirewall } from './firewall.ts';
import { whyNoNamespaces } from './needs.ts';
import { policy, type Rule } from './policy.ts';
import { Site } from './site.ts';

/** In CI, as root on Debian, the two programs are installed; elsewhere the tests skip with the reason. */
if (process.env['CI'] !== undefined && /is missing/.test(whyNoNamespaces() ?? ''))
  execFileSync('apt-get', ['install', '-y', '-qq', 'nftables', 'iproute2'], { stdio: 'ignore' });
const reason = whyNoNamespaces();
if (reason !== undefined) console.warn(`examples/firewall: skipped, since ${reason}`);

const coke = { orgId: 'Coke', roles: ['tenant_admin'] };
const LIMIT = { timeoutMs: 60_000 };
const rule = (port: number, action: Rule['action']): Rule => ({
  source: '10.79.0.0/16',
  protocol: 'tcp',
  port,
  action,
});

let database: TestDatabase;
let plane: ControlPlane;
let site: Site;
const serve = (id: string) =>
  pointWorker(plane, {
    id,
    region: 'eu',
    firewall: namespaceFirewall(site.host(id).namespace),
    resyncEveryMs: 1_000,
  }).start();

beforeAll(async () => {
  if (reason !== undefined) return;
  database = await testDatabase();
  plane = await openControlPlane(database.adminUrl);
  site = await Site.open(['host1']);
  await serve('host1');
});
afterAll(async () => {
  await plane?.close();
  await site?.[Symbol.asyncDispose]();
  await database?.drop();
});

test.skipIf(reason !== undefined)(
  'a policy controls real connections, also on new hosts, is repaired when its rules are deleted, and is removed with its host',
  { timeout: 120_000 },
  async () => {
    const r = plane.realization.as(coke);
    expect(await site.connections()).toBe('host1: 80 open, 81 open');
    await r.persistIntent(policy, { id: 'web', region: 'eu', rules: [rule(80, 'drop')] });
    await r.waitFor(policy, 'web', { status: 'REALIZED', ...LIMIT });
    expect(await site.connections()).toBe('host1: 80 blocked, 81 open');
    await site.addHost('host2');
    await serve('host2');
    await site.until('host2', 80, 'blocked');
    await site.breakRules('host1');
    expect(await site.connect('host1', 80)).toBe('open');
    await site.until('host1', 80, 'blocked');
    await plane.realization.points.remove('host2');
    await site.untilWithoutPolicies('host2');
    expect(await site.connect('host2', 80)).toBe('open');
    await r.softDelete(policy, 'web');
    await r.waitFor(policy, 'web', { status: 'DELETION_REALIZED', ...LIMIT });
    expect(await site.connect('host1', 80)).toBe('open');
  },
);
