// Declares policies of two tenants, realizes them in network namespaces, and shows with TCP connections what changed.
import { startDevDatabase } from '@intendant/devdb';
import { openControlPlane, pointWorker } from './control-plane.ts';
import { namespaceFirewall, printingFirewall } from './firewall.ts';
import { whyNoNamespaces } from './needs.ts';
import { policy, type Rule } from './policy.ts';
import { Site } from './site.ts';

const coke = { orgId: 'Coke', roles: ['tenant_admin'] };
const pepsi = { orgId: 'Pepsi', roles: ['tenant_admin'] };
const LIMIT = { timeoutMs: 30_000 };
const RESYNC_EVERY_MS = 2_000;

const rule = (port: number, action: Rule['action'], source = '10.79.0.0/16'): Rule => ({
  source,
  protocol: 'tcp',
  port,
  action,
});

const say = (text: string) => console.log(text);

/** The whole demonstration with real namespaces. */
async function inNamespaces(url: string): Promise<void> {
  await using plane = await openControlPlane(url);
  await using site = await Site.open(['host1', 'host2']);
  const worker = (id: string) =>
    pointWorker(plane, {
      id,
      region: 'eu',
      firewall: namespaceFirewall(site.host(id).namespace),
      resyncEveryMs: RESYNC_EVERY_MS,
    });
  await worker('host1').start();
  await worker('host2').start();
  const show = async (when: string) => say(`${when.padEnd(52)} ${await site.connections()}`);
  await show('before any policy');

  const asCoke = plane.realization.as(coke);
  const asPepsi = plane.realization.as(pepsi);
  const { record } = await asCoke.persistIntent(policy, { id: 'web', region: 'eu', rules: [rule(80, 'drop')] });
  await asPepsi.persistIntent(policy, { id: 'web', region: 'eu', rules: [rule(81, 'accept')] });
  await asCoke.waitFor(policy, 'web', { status: 'REALIZED', ...LIMIT });
  await asPepsi.waitFor(policy, 'web', { status: 'REALIZED', ...LIMIT });
  await show("Coke's policy drops port 80, Pepsi's allows port 81");

  await site.addHost('host3');
  await worker('host3').start();
  await site.until('host3', 80, 'blocked');
  await show('a new host receives the existing policies');

  await site.breakRules('host1');
  await show('somebody deletes the rules of host1 by hand');
  await site.until('host1', 80, 'blocked');
  await show('the next check finds and repairs it');

  await asCoke.persistIntent(policy, { ...record, rules: [rule(80, 'accept')] });
  await asCoke.waitFor(policy, 'web', { status: 'REALIZED', ...LIMIT });
  await show("Coke's policy allows port 80 again");

  const refused = await asCoke
    .persistIntent(policy, { id: 'odd', region: 'eu', rules: [rule(80, 'drop'), rule(80, 'accept', '10.79.1.0/24')] })
    .catch((error: Error) => error.message);
  say(`a contradictory policy is refused: ${refused}`);

  await plane.realization.points.remove('host3');
  await site.untilWithoutPolicies('host3');
  await show('host3 is removed, and keeps no policy');
}

/** What would be applied, where namespaces cannot be used. */
async function dryRun(url: string): Promise<void> {
  await using plane = await openControlPlane(url);
  await pointWorker(plane, {
    id: 'host1',
    region: 'eu',
    firewall: printingFirewall('host1', say),
    resyncEveryMs: Number.POSITIVE_INFINITY,
  }).start();
  const asCoke = plane.realization.as(coke);
  await asCoke.persistIntent(policy, { id: 'web', region: 'eu', rules: [rule(80, 'drop'), rule(443, 'accept')] });
  await asCoke.waitFor(policy, 'web', { status: 'REALIZED', ...LIMIT });
  await asCoke.softDelete(policy, 'web');
  await asCoke.waitFor(policy, 'web', { status: 'DELETION_REALIZED', ...LIMIT });
}

async function main(): Promise<void> {
  const database = await startDevDatabase();
  try {
    const reason = whyNoNamespaces();
    if (reason !== undefined) say(`Dry run, since ${reason}. This is what each host would receive:\n`);
    await (reason === undefined ? inNamespaces(database.url) : dryRun(database.url));
  } finally {
    await database.stop();
  }
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
