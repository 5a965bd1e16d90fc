import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createDataStore, type DataStore, defineTable } from '@intendant/core';
import { eventually, newTestFolder, type TestDatabase, testDatabase, withClient } from '@intendant/devdb/testing';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { tableLines } from './output/table.ts';
import { readField } from './resource/key.ts';
import { endOf, startCli } from './testing/process.ts';
import { type CliOptions, runCli } from './testing/run-cli.ts';
import { vm } from './testing/vm.ts';

const CONFIG = fileURLToPath(new URL('testing/example.config.ts', import.meta.url));
const WORKER = fileURLToPath(new URL('testing/example-worker.ts', import.meta.url));
const DEAD_URL = 'postgres://app:secret@127.0.0.1:1/nowhere';

let database: TestDatabase;
let store: DataStore;
let subscriptions: Subscriptions;
let realization: Realization;

const environment = () => ({ DATABASE_URL: database.url, ADMIN_DATABASE_URL: database.adminUrl });
const cli = (args: readonly string[], options: CliOptions = {}) =>
  runCli(args, { environment: environment(), ...options });
const json = async (...args: string[]) => JSON.parse((await cli([...args, '--json'])).stdout);
const asAdmin = (sql: string) => withClient(database.adminUrl, async (client) => (await client.query(sql)).rows);
const as = (orgId: string) => realization.as({ orgId, roles: ['tenant_admin'] });

beforeAll(async () => {
  database = await testDatabase();
  const applied = await cli(['schema', '--apply', '--config', CONFIG]);
  expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
  subscriptions = await createSubscriptions({ store });
  realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
  const realize = async ({ record }: { record: { name: string } }) => {
    if (record.name === 'broken') throw new Error('no space left\u001b[31m on device');
  };
  const worker = realization.worker({
    enforcementPoint: 'E1',
    labels: { region: 'eu' },
    retry: { limit: 1 },
    handlers: [on(vm, { realize, unrealize: async () => {} })],
  });
  await worker.start();
  for (const orgId of ['acme', 'globex']) {
    await as(orgId).persistIntent(vm, { id: 'VM1', name: 'web' }, { enforcementPoints: ['E1'] });
    await as(orgId).persistIntent(vm, { id: 'VM2', name: 'broken' }, { enforcementPoints: ['E1'] });
  }
  await as('acme').persistIntent(
    vm,
    { id: 'VM3', name: 'db' },
    { enforcementPoints: ['E1', 'E2'], allowUnknownPoints: true },
  );
  await eventually(async () =>
    expect((await realization.summary())[0]?.overall).toEqual({ REALIZED: 2, ERROR: 2, PENDING: 1 }),
  );
});

afterAll(async () => {
  await realization?.close();
  await subscriptions?.close();
  await store?.close();
  await database?.drop();
});

describe('status', () => {
  test('counts resources by table, and by point, without a configuration', async () => {
    const all = await cli(['status']);
    expect(all.exitCode).toBe(0);
    expect(all.stdout).toMatch(/^table +ERROR +PENDING +REALIZED\nvm +2 +1 +2\n$/);
    const table = await json('status', 'vm');
    expect(table).toMatchObject({ overall: { ERROR: 2, REALIZED: 2, PENDING: 1 }, points: { E2: { PENDING: 1 } } });
  });

  test('shows one resource with the whole error, and nothing that a terminal would act on', async () => {
    const { stdout, exitCode } = await cli(['status', 'vm', 'VM2', '--org', 'acme'], { columns: 80 });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('no space left');
    expect(stdout).toMatch(/E1 .*ERROR.* 1 +1 .*given up/);
    expect(stdout).not.toContain('\u001b[31m on');
    const narrow = await cli(['status', 'vm', 'VM2'], { columns: 60 });
    expect(narrow.stdout).toMatch(/: ERROR no space left.*\n {2}\S.*revision 1\n/);
  });

  test('of a resource that is not there is exit code 3', async () => {
    expect(await cli(['status', 'vm', 'nope'])).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test('with --watch shows the next status without being asked again', async () => {
    const interrupt = new AbortController();
    let shown = '';
    const watching = cli(['status', 'vm', '--watch', '--json'], {
      signal: interrupt.signal,
      onOutput: (text) => {
        shown += text;
      },
    });
    await eventually(() => expect(shown).toContain('"overall"'));
    await as('globex').persistIntent(vm, { id: 'VM4', name: 'new' }, { enforcementPoints: ['E1'] });
    await eventually(() => expect(shown).toContain('"REALIZED":3'));
    interrupt.abort('SIGINT');
    expect(await watching).toMatchObject({ exitCode: 130 });
  });
});

describe('list', () => {
  test('finds by status, point and field, and names the tenant', async () => {
    const failed = await json('list', 'vm', '--status', 'ERROR', '--point', 'E1', '--sort', 'key');
    expect(failed.map(({ key }: { key: unknown }) => key)).toEqual([
      { orgId: 'acme', id: 'VM2' },
      { orgId: 'globex', id: 'VM2' },
    ]);
    expect(await json('list', 'vm', '--where', 'name=db')).toHaveLength(1);
    const own = await json('list', 'vm', '--org', 'globex');
    expect(new Set(own.map(({ key }: { key: { orgId: string } }) => key.orgId))).toEqual(new Set(['globex']));
  });

  test('fits a terminal of 80 columns and is whole in a pipe', async () => {
    const narrow = await cli(['list', 'vm'], { columns: 80, environment: { ...environment(), NO_COLOR: '1' } });
    expect(Math.max(...narrow.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(narrow.stdout).not.toContain('\u001b');
    const points = await cli(['points'], { columns: 80, environment: { ...environment(), NO_COLOR: '1' } });
    expect(Math.max(...points.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const details = ['broken '.repeat(3), 'ERROR '.repeat(30)];
    const rows = tableLines(
      [
        { title: 'id', value: ([id]: string[]) => id, minWidth: 4, isName: true },
        { title: 'details', value: ([, text]: string[]) => text, minWidth: 10 },
      ],
      [details, ['a-name-of-two-and-thirty-letters', 'x'.repeat(90)]],
      { width: 80 },
    );
    expect(rows[2]).toContain('a-name-of-two-and-thirty-letters');
    expect(rows[2]).toHaveLength(80);
    expect((await cli(['list', 'vm'])).stdout).toContain('at revision 1');
    expect((await cli(['list', 'vm'], { columns: 80 })).stdout).toContain('\u001b[31mERROR');
  });

  test('of nothing is exit code 3, and JSON stays JSON', async () => {
    expect(await cli(['list', 'vm', '--older', '1d'])).toMatchObject({ exitCode: 3, stdout: '' });
    expect(await cli(['list', 'vm', '--older', '1d', '--json'])).toMatchObject({ exitCode: 3, stdout: '[]\n' });
  });
});

test('history shows the newest first', async () => {
  const history = await json('history', 'vm', '{"id":"VM2","orgId":"acme"}');
  expect(history[0]).toMatchObject({ enforcementPoint: 'E1', status: 'ERROR', revision: 1 });
  expect(history.at(-1)).toMatchObject({ status: 'PENDING' });
  expect(await cli(['history', 'vm', 'nope'])).toMatchObject({ exitCode: 3 });
  const ofBoth = await cli(['history', 'vm', 'VM2']);
  expect(ofBoth.stdout).toMatch(/ of +point[\s\S]* (?:acme [\s\S]* globex|globex [\s\S]* acme) /);
});

test('history reads as many pages as --limit needs', async () => {
  await asAdmin(`insert into intendant.status_history (table_name, org_id, key, point_id, status, revision, message)
    select 'public.vm', 'acme', '{many}', 'E1', 800, n, '' from generate_series(1, 2500) n`);
  const revisionsOf = async (limit: string) =>
    (await json('history', 'vm', 'many', '--org', 'acme', '--limit', limit)).map(
      ({ revision }: { revision: number }) => revision,
    );
  const cut = await cli(['history', 'vm', 'many', '--org', 'acme', '--limit', '2499']);
  expect(cut.stderr).toBe('More match; raise --limit (2499) to see them.\n');
  const newestFirst = Array.from({ length: 2500 }, (_, index) => 2500 - index);
  expect(await revisionsOf('2001')).toEqual(newestFirst.slice(0, 2001));
  expect(await revisionsOf('9000')).toEqual(newestFirst);
});

test('changes prints one change a line from where it is told', async () => {
  const { stdout, exitCode } = await cli([
    'changes',
    'vm',
    '--from',
    'beginning',
    '--limit',
    '2',
    '--json',
    '--org',
    'globex',
  ]);
  expect(exitCode).toBe(0);
  const changes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(changes).toMatchObject([
    { operation: 'insert', key: { id: 'VM1' }, orgId: 'globex' },
    { operation: 'insert', key: { id: 'VM2' }, orgId: 'globex' },
  ]);
});

test('points shows queues and workers, and drain waits until all is unrealized there', async () => {
  const points = await json('points');
  expect(points.find(({ id }: { id: string }) => id === 'E1')).toMatchObject({ state: 'live', workers: 1 });
  expect(points.find(({ id }: { id: string }) => id === 'E2')).toMatchObject({
    state: 'unregistered',
    queue: { due: 1 },
  });
  expect(await cli(['points', 'list', '--stale', '--json'])).toMatchObject({ exitCode: 3, stdout: '[]\n' });
  const drained = realization.worker({
    enforcementPoint: 'E5',
    labels: { tier: '5' },
    handlers: [on(vm, { realize: async () => {}, unrealize: async () => {} })],
  });
  await drained.start();
  await as('acme').persistIntent(vm, { id: 'VM5', name: 'moves' }, { selector: { tier: '5' } });
  await as('acme').waitFor(vm, 'VM5', { status: 'REALIZED', timeoutMs: 20_000 });
  expect(await json('points', 'drain', 'E5', '--yes')).toEqual({ id: 'E5', state: 'removed', resources: 1 });
  const { enforcement } = await as('acme').getOverallStatusWithEnforcementDetails(vm, 'VM5');
  expect(enforcement.get('E5')?.status ?? 'DELETION_REALIZED').toBe('DELETION_REALIZED');
  await drained.stop();
  const unknown = await cli(['points', 'remove', 'nowhere', '--yes']);
  expect(unknown).toMatchObject({ exitCode: 3, stdout: '' });
  expect(unknown.stderr).toContain('there is no point nowhere');
});

describe('retry and purge', () => {
  test('retry tries again what a filter finds', async () => {
    expect(await json('retry', 'vm', '--status', 'ERROR', '--dry-run')).toEqual({ resources: 2 });
    expect(await json('retry', 'vm', '--status', 'ERROR')).toEqual({ jobs: 2 });
    await eventually(async () => expect(await as('acme').getOverallStatus(vm, 'VM2')).toBe('ERROR'));
    expect(await cli(['retry', 'vm', '--status', 'DELETION_PENDING'])).toMatchObject({ exitCode: 3 });
    expect(await cli(['retry', 'vm'])).toMatchObject({ exitCode: 2 });
  });

  test('purge says how many, and without a terminal asks for --yes', async () => {
    for (const id of ['P1', 'P2'])
      await as('acme').persistIntent(vm, { id, name: 'gone' }, { enforcementPoints: ['E9'], allowUnknownPoints: true });
    const refused = await cli(['purge', 'vm', '--where', 'name=gone']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain('Purge 2 resources of vm');
    expect(await json('purge', 'vm', '--where', 'name=gone', '--yes')).toEqual({ purged: 2 });
    expect(await cli(['purge', 'vm', '--where', 'name=gone', '--yes'])).toMatchObject({ exitCode: 3 });
  });
});

test('dead letters and durable names are listed, replayed and dropped', async () => {
  const fail = async () => {
    throw new Error('billing is down');
  };
  await using subscription = await subscriptions.subscribe('vm', fail, {
    name: 'billing',
    from: 'beginning',
    maxAttempts: 1,
  });
  await eventually(() => expect(subscription.stats().deadLetters).toBeGreaterThan(3));
  await subscription.close();
  expect(await json('subscriptions')).toMatchObject([{ name: 'billing', table: 'vm', members: 0 }]);
  const letters = await json('dead-letters');
  expect(letters[0]).toMatchObject({ error: 'billing is down', change: { table: 'vm' } });
  const shown = await cli(['dead-letters', 'show', 'billing', letters[0].position]);
  expect(shown.stdout).toContain('error: billing is down');
  expect(await json('dead-letters', 'replay', 'billing', letters[0].position)).toEqual({ replayed: 1 });
  expect(await cli(['dead-letters', 'drop', 'billing'])).toMatchObject({ exitCode: 2 });
  await asAdmin(`insert into intendant.dead_letter (name, seq, slot, table_name, operation, key, org_id, occurred_at, attempts, error)
    select 'billing', 1000000 + n, slot, table_name, operation, key, org_id, occurred_at, 1, 'again'
    from (select * from intendant.dead_letter limit 1) one, generate_series(1, 10001 - ${letters.length}) n`);
  const listed = await json('dead-letters', 'list', '--limit', '20000');
  expect(new Set(listed.map(({ change }: { change: { position: string } }) => change.position)).size).toBe(10_001);
  const unsure = await cli(['dead-letters', 'drop', 'billing', '--all']);
  expect(unsure).toMatchObject({ exitCode: 2, stdout: '' });
  expect(unsure.stderr).toContain('Delete 10001 dead letters of billing permanently?');
  expect(await json('dead-letters', 'drop', 'billing', '--all', '--yes')).toEqual({ dropped: 10_001 });
  expect(await json('subscriptions', 'forget', 'billing', '--yes')).toEqual({ forgotten: true });
  expect(await cli(['subscriptions', '--json'])).toMatchObject({ exitCode: 3, stdout: '[]\n' });
});

test('schema --check compares with the configuration, and --sql prints what is missing', async () => {
  expect(await cli(['schema', '--check', '--config', CONFIG])).toMatchObject({ exitCode: 0 });
  await asAdmin('alter table vm disable trigger intendant_revision');
  expect(await cli(['schema', '--check', '--config', CONFIG])).toMatchObject({ exitCode: 1 });
  const { stdout } = await cli(['schema', '--sql', '--config', CONFIG]);
  await asAdmin(stdout);
  expect(await cli(['schema', '--check', '--config', CONFIG])).toMatchObject({ exitCode: 0 });
  expect(await cli(['schema', '--check'])).toMatchObject({ exitCode: 2 });
});

describe('as a process', () => {
  const start = (...args: string[]) => startCli(args, environment());

  test('runs a worker until it is told to stop, and then ends with 0', async () => {
    const worker = start('worker', WORKER);
    const ended = endOf(worker);
    const lines = createInterface({ input: worker.stdout });
    for await (const line of lines) if (line.includes('workers are running')) break;
    worker.kill('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('starts a watched worker again when its module changes, and stops it on SIGTERM', async () => {
    const folder = await newTestFolder('watch');
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'worker.mjs');
    const source = `export { default } from ${JSON.stringify(pathToFileURL(WORKER).href)};\n`;
    await writeFile(file, source);
    const worker = start('worker', file, '--watch');
    const ended = once(worker, 'exit');
    let starts = 0;
    for await (const line of createInterface({ input: worker.stdout })) {
      if (!line.includes('workers are running')) continue;
      starts += 1;
      if (starts === 2) break;
      await writeFile(file, `${source}// changed\n`);
    }
    worker.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(starts).toBe(2);
  });

  test('serves metrics and health of a worker', async () => {
    const worker = start('worker', WORKER, '--metrics-port', '0');
    const ended = endOf(worker);
    let origin: string | undefined;
    const lines = createInterface({ input: worker.stdout });
    for await (const line of lines) {
      origin ??= /"origin":"([^"]+)"/.exec(line)?.[1];
      if (origin !== undefined) break;
    }
    expect(await (await fetch(`${origin}/healthz`)).text()).toBe('ok\n');
    expect(await (await fetch(`${origin}/metrics`)).text()).toContain('intendant_');
    worker.kill('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 0 });
  });

  test('ends quietly when the reader has had enough', async () => {
    const child = start('changes', 'vm', '--from', 'beginning');
    child.stdout.destroy();
    const exited = once(child, 'exit');
    expect(await text(child.stderr)).toBe('');
    expect(await exited).toEqual([0, null]);
  });

  test('ends with 130 on Ctrl-C, with nothing half printed', async () => {
    const child = start('changes', 'vm', '--json', '--from', 'beginning');
    const ended = endOf(child);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
    expect(stdout).toMatch(/}\n$/);
  });
});

describe('wrong use', () => {
  const cases: [string, string[], number, RegExp][] = [
    ['an unknown command', ['lst'], 2, /unknown command 'lst'.*\n.*list/],
    ['an unknown flag', ['list', 'vm', '--oldr', '1d'], 2, /unknown option '--oldr'/],
    ['a missing argument', ['list'], 2, /missing required argument 'table'/],
    ['a table that is not there', ['list', 'vmm'], 2, /no table "vmm".*there are vm/],
    ['a duration without a unit', ['list', 'vm', '--older', '10'], 2, /30s, 10m, 2h or 7d/],
    ['a field that is not there', ['list', 'vm', '--where', 'size=3'], 2, /has no field "size"; it has id, name/],
    ['a database that is down', ['status', '--url', DEAD_URL, '--admin-url', DEAD_URL], 1, /ECONNREFUSED.*--url/],
    ['a URL that is none', ['status', '--url', 'http://x', '--admin-url', 'http://x'], 2, /must start with postgres/],
    ['a configuration that is not there', ['status', '--config', 'none.ts'], 2, /no configuration file .*none.ts/],
    ['a position of another log', ['changes', 'vm', '--from', 'x'], 2, /is not a position/],
  ];
  test.each(cases)('%s is one clear line', async (_name, args, exitCode, message) => {
    const result = await cli(args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toContain('secret');
    expect(result.stderr).toMatch(/^intendant: /);
  });

  test('a URL without the password that the database asks for is one clear line', async () => {
    const url = new URL(database.url);
    url.password = '';
    const result = await cli(['status', '--url', url.href, '--admin-url', url.href]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toMatch(/asks for a password.*DATABASE_URL/);
  });

  test('a value that its column cannot hold is one clear line', () => {
    const disk = defineTable('disk', { schema: z.object({ id: z.string(), size: z.int32() }) });
    expect(() => readField(disk, 'size', 'big')).toThrow(
      '"big" is not a valid value for disk.size; its type is integer',
    );
  });

  test('no database at all says how to name one', async () => {
    const result = await runCli(['status']);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toMatch(/--url .*DATABASE_URL.*intendant.config.ts/);
  });
});
