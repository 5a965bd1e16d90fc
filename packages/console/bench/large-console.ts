// Measures the console with 100,000 resources at 1,000 points, 10,000 of them in ERROR: node bench/large-console.ts
import { setTimeout as delay } from 'node:timers/promises';
import { openBrowser } from '../src/testing/console-browser.ts';
import { vm } from '../src/testing/console-fixture.ts';
import { fillLarge, keptDatabase } from './large-data.ts';

const DATA = { resources: Number(process.env['RESOURCES'] ?? 100_000), points: 1_000, pointsEach: 3 };
/** How long the page stays open while resources change, in milliseconds. */
const WATCH_MS = Number(process.env['WATCH_MS'] ?? 60_000);
/** A folder where the database stays between runs. Default: a temporary one. */
const folder = process.env['LARGE_DATABASE'];

await using kept = folder === undefined ? undefined : await keptDatabase(folder);
await using fixture = await openBrowser(kept && { database: kept });
const { realization } = fixture.console;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function timeOf(path: string, token: string): Promise<string> {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < 7; round++) {
    const startedAt = performance.now();
    const response = await fetch(`${fixture.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
    bytes = (await response.text()).length;
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    times.push(performance.now() - startedAt);
  }
  return `${median(times).toFixed(0)} ms median, ${Math.max(...times).toFixed(0)} ms most, ${(bytes / 1024).toFixed(0)} kB`;
}

console.log(`filling ${DATA.resources} resources …`);
await fillLarge(fixture.console.database.adminUrl, DATA);
const callers = {
  tenant: { orgId: 'org-1', roles: ['tenant_admin'] },
  service: { roles: ['service_admin'] },
};
const PATHS = [
  'summary',
  'resources?table=vm',
  'resources?table=vm&status=ERROR',
  'resources?table=vm&status=ERROR&point=point-0007',
  'resources?table=vm&point=point-0007',
  'resources?table=vm&q=name+99',
  'resources?table=vm&q=region:region-3&status=ERROR',
  'resources?table=vm&order=newest',
  'resources?table=vm&olderThan=10m',
  'points',
  'activity',
];
for (const [name, caller] of Object.entries(callers)) {
  const token = await fixture.console.token(caller);
  for (const path of PATHS) console.log(`${name} ${path}: ${await timeOf(path, token)}`);
}

const page = await fixture.open(callers.service);
for (const path of ['', 'resources?table=vm', 'resources?table=vm&status=ERROR', 'points']) {
  const startedAt = performance.now();
  await page.goto(`${fixture.url}/${path}`);
  await page.locator('.tile, tbody tr').nth(3).waitFor();
  console.log(`page /${path}: ${(performance.now() - startedAt).toFixed(0)} ms until its figures are there`);
}

const client = await page.context().newCDPSession(page);
const heap = async (): Promise<number> => {
  await client.send('HeapProfiler.collectGarbage');
  const { usedSize } = (await client.send('Runtime.getHeapUsage')) as { usedSize: number };
  return usedSize / 1_048_576;
};
await page.goto(`${fixture.url}/changes`);
await page.locator('h1').waitFor();
await delay(2_000);
const r = realization.as(await fixture.console.context(callers.tenant));
const until = Date.now() + WATCH_MS;
const sizes = [await heap()];
let changes = 0;
let nextPoll = Date.now() + WATCH_MS / 6;
for (let index = 0; Date.now() < until; index++) {
  const id = `vm-${String(1 + 20 * (index % 5_000)).padStart(6, '0')}`;
  await r.persistIntent(
    vm,
    { id, name: `name ${index}`, region: 'region-1', cpus: index % 64 },
    { enforcementPoints: ['point-0001'], allowUnknownPoints: true },
  );
  changes += 1;
  if (Date.now() < nextPoll) continue;
  sizes.push(await heap());
  nextPoll += WATCH_MS / 6;
}
console.log(
  `${changes} intents in ${WATCH_MS / 1000} s; memory of the page: ${sizes.map((size) => `${size.toFixed(1)}`).join(', ')} MiB`,
);
