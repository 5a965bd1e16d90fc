import { fileURLToPath } from 'node:url';
import { createDataStore, type DataStore } from '@intendant/core';
import { eventually, isOnCitus, type TestDatabase, testDatabase, withClient } from '@intendant/devdb/testing';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tableLines } from './output/table.ts';
import { feedThere, onTestServer } from './testing/on-test-server.ts';
import { processCases } from './testing/process-cases.ts';
import { type CliOptions, runCli } from './testing/run-cli.ts';
import { vm } from './testing/vm.ts';
import { wrongUseCases } from './testing/wrong-use-cases.ts';

const CONFIG = fileURLToPath(new URL('testing/example.config.ts', import.meta.url));

let database: TestDatabase;
let store: DataStore;
let subscriptions: Subscriptions;
let realization: Realization;

const environment = () => ({ DATABASE_URL: database.url, ADMIN_DATABASE_URL: database.adminUrl });
const cli = (args: readonly string[], options: CliOptions = {}) =>
  runCli(args, { environment: environment(), ...options });
const json = async (...args: string[]) => JSON.parse((await cli([...args, '--json'])).stdout);
/** On Citus, statements about tables that are not alone in their query are refused, and so are triggers without this setting. */
const asAdmin = (sql: string) =>
  withClient(database.adminUrl, async (client) => {
    if (!isOnCitus()) return (await client.query(sql)).rows;
    await client.query('set citus.enable_unsafe_triggers = on');
    let rows: Record<string, unknown>[] = [];
    for (const statement of sql.split(';\n')) rows = (await client.query(statement)).rows;
    return rows;
  });
const as = (orgId: string) => realization.as({ orgId, roles: ['tenant_admin'] });

beforeAll(async () => {
  database = await testDatabase();
  const applied = await cli(['schema', '--apply', '--config', CONFIG]);
  expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  store = await createDataStore({ ...onTestServer, connection: database.url, adminConnection: database.adminUrl });
  subscriptions = await createSubscriptions({ store, ...feedThere });
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

  test('shows one resource with the whole error, without terminal control characters', async () => {
    const { stdout, exitCode } = await cli(['status', 'vm', 'VM2', '--org', 'acme'], { columns: 80 });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('no space left');
    expect(stdout).toMatch(/E1 .*ERROR.* 1 +1 .*given up/);
    expect(stdout).not.toContain('\u001b[31m on');
    const narrow = await cli(['status', 'vm', 'VM2'], { columns: 60 });
    expect(narrow.stdout).toMatch(/: ERROR no space left.*\n {2}\S.*revision 1\n/);
  });

  test('of a resource that does not exist is exit code 3', async () => {
    expect(await cli(['status', 'vm', 'nope'])).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test('with --watch prints the status again when it changes', async () => {
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

  test('fits a terminal of 80 columns and is not shortened in a pipe', async () => {
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

  test('without a match is exit code 3, with an empty JSON list', async () => {
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

test('changes prints one change per line, from the given position', async () => {
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

test('points shows queues and workers, and drain waits until every resource there is unrealized', async () => {
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
  test('retry retries the resources that a filter matches', async () => {
    expect(await json('retry', 'vm', '--status', 'ERROR', '--dry-run')).toEqual({ resources: 2 });
    expect(await json('retry', 'vm', '--status', 'ERROR')).toEqual({ jobs: 2 });
    await eventually(async () => expect(await as('acme').getOverallStatus(vm, 'VM2')).toBe('ERROR'));
    expect(await cli(['retry', 'vm', '--status', 'DELETION_PENDING'])).toMatchObject({ exitCode: 3 });
    expect(await cli(['retry', 'vm'])).toMatchObject({ exitCode: 2 });
  });

  test('purge prints the number of resources, and without a terminal requires --yes', async () => {
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

processCases(environment);
wrongUseCases(environment);
