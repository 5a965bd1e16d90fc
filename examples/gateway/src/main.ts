// Declares routes of two tenants, realizes them at two nginx processes, and shows what a client receives.
import { startDevDatabase } from '@intendant/devdb';
import { openControlPlane } from './control-plane.ts';
import { EdgeSite } from './edge-site.ts';
import { whyNoNginx } from './needs.ts';
import { hostNameOf, route } from './route.ts';
import { startUpstream } from './upstream.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

const coke = { orgId: 'Coke', roles: ['tenant_admin'] };
const pepsi = { orgId: 'Pepsi', roles: ['tenant_admin'] };
const EDGES = ['edge1', 'edge2'];
const LIMIT = { timeoutMs: 30_000 };

async function show(site: EdgeSite, when: string, owner: { orgId: string }, path = '/'): Promise<void> {
  const host = hostNameOf({ id: 'web', orgId: owner.orgId });
  const answers = (await site.request(host, path)).map(({ status, body }) =>
    status === 200 ? body : `HTTP ${status}`,
  );
  console.log(`${when.padEnd(48)} ${`http://${host}${path}`.padEnd(28)} ${answers.join(', ')}`);
}

async function run(url: string, workers: WorkerProcess[]): Promise<void> {
  await using site = await EdgeSite.open(EDGES);
  const plane = await openControlPlane(url);
  const [one, two] = [await startUpstream('service one'), await startUpstream('service two')];
  try {
    for (const id of EDGES) workers.push(startWorker(url, id, site.gateway(id)));
    await Promise.all(workers.map((worker) => worker.printed('ready')));
    const [asCoke, asPepsi] = [plane.realization.as(coke), plane.realization.as(pepsi)];
    const web = { id: 'web', match: 'prefix', path: '/' } as const;

    await show(site, 'before any route', coke);
    let { record } = await asCoke.persistIntent(route, { ...web, upstream: one.url });
    await asPepsi.persistIntent(route, { ...web, upstream: two.url });
    await asCoke.waitFor(route, 'web', { status: 'REALIZED', ...LIMIT });
    await asPepsi.waitFor(route, 'web', { status: 'REALIZED', ...LIMIT });
    await show(site, 'each tenant has its route', coke);
    await show(site, '', pepsi);

    ({ record } = await asCoke.persistIntent(route, { ...record, match: 'pattern', path: '^/(unclosed' }));
    await asCoke.waitFor(route, 'web', { status: 'ERROR', ...LIMIT });
    const { overall } = await asCoke.getOverallStatusWithEnforcementDetails(route, 'web');
    console.log(`ERROR: ${overall.additionalDetails}`);
    await show(site, 'a bad route: the former one still serves', coke);

    ({ record } = await asCoke.persistIntent(route, { ...record, ...web, upstream: two.url }));
    await asCoke.waitFor(route, 'web', { status: 'REALIZED', ...LIMIT });
    await show(site, 'the next intent recovers', coke);

    await asCoke.softDelete(route, 'web');
    await asCoke.waitFor(route, 'web', { status: 'DELETION_REALIZED', ...LIMIT });
    await show(site, 'a deleted route is gone', coke);
  } finally {
    one.server.close();
    two.server.close();
    for (const { child } of workers) child.kill('SIGTERM');
    await plane.close();
  }
}

async function main(): Promise<void> {
  const reason = whyNoNginx();
  if (reason !== undefined) throw new Error(`This example cannot run: ${reason}`);
  const database = await startDevDatabase();
  const workers: WorkerProcess[] = [];
  try {
    await run(database.url, workers);
  } finally {
    await Promise.all(workers.map(({ child }) => child.exitCode ?? new Promise((ended) => child.once('exit', ended))));
    await database.stop();
  }
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
