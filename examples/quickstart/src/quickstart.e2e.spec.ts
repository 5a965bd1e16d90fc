import { execFileSync } from 'node:child_process';
import { chmod, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { atScale, eventually, newTestFolder, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Program } from './testing/program.ts';

/** Several processes on a machine that may be busy. */
const TIMEOUT_MS = 150_000;
const ENDLESS = { QUICKSTART_REALIZE_MS: '600000' };

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await testDatabase();
  folder = await newTestFolder('quickstart');
  await chmod(folder, 0o755);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await database.drop();
});

/** The demo on a database of the test run's. */
const demo = (environment: Record<string, string> = {}, url = database.adminUrl) =>
  new Program('main.ts', { DATABASE_URL: url, QUICKSTART_FOLDER: folder, ...environment });

/** Those that the demo started, by what it says of them. */
const processIds = ({ output }: Program): number[] =>
  [...output.matchAll(/as process (\d+)/g)].map(([, pid]) => Number(pid));

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const expectNoneRunning = (pids: readonly number[]) =>
  eventually(() => expect(pids.filter(isRunning)).toEqual([]), { timeoutMs: 60_000 });

test('the demo shows who saw what, and ends with 0', { timeout: TIMEOUT_MS }, async () => {
  const program = demo();
  expect(await program.ended()).toEqual({ end: 0, errors: '' });
  const [, table = ''] = program.output.split('Who saw what');
  expect(table).not.toContain('✗');
  expect(table).toMatch(/✓ Coke\/Europe +VM1 +coke-web in eu-central-1/);
  expect(table).toMatch(/✓ Pepsi\/Americas +VM1 +pepsi-shop in us-east-2/);
  expect(table).toMatch(/✓ T0 +P1 when T1 is done +PENDING/);
  expect(table).toMatch(/✓ T0 +P1 when T2 is done too +REALIZED/);
  expect(table).toMatch(/✓ T0 +P1 after the deletion +DELETION_REALIZED/);
  expect(table).toMatch(/✓ subscriber +P1 +insert revision 1, delete revision 2/);
  expect(processIds(program)).toHaveLength(3);
  await expectNoneRunning(processIds(program));
});

test('the demo runs again on the same database, also when a worker and the subscriber are killed in the middle of realize', {
  timeout: TIMEOUT_MS,
}, async () => {
  const program = demo({ QUICKSTART_REALIZE_MS: '1000' });
  await program.wrote(/T1 +realizes P1 at revision 1, attempt 1/);
  for (const name of ['T1', 'subscriber']) {
    const [, pid] = program.output.match(new RegExp(`${name} +is ready, as process (\\d+)`)) ?? [];
    process.kill(Number(pid), 'SIGKILL');
  }
  expect(await program.ended()).toEqual({ end: 0, errors: '' });
  expect(program.output).toMatch(/T1 +was ended by SIGKILL, and is started again/);
  expect(program.output).toMatch(/T1 +realizes P1 at revision 1, attempt 2/);
  expect(program.output).toMatch(/✓ T0 +P1 when T2 is done too +REALIZED/);
  expect(program.output).toMatch(/✓ subscriber +P1 +insert revision 1, delete revision 2/);
  for (const point of ['E1', 'E2']) {
    expect(await readdir(join(folder, point))).toEqual(['history.txt']);
    const history = await readFile(join(folder, point, 'history.txt'), 'utf8');
    expect(history).toMatch(/put P1\n.*removed P1\n$/);
  }
});

const STARTING = /is ready, as process/;

/** The demo handles both signals alike, and each of these takes twenty seconds. */
const SIGNALS = [
  ['SIGINT in the middle', 'SIGINT', 130, /T1 +realizes P1/],
  ['SIGTERM at the start', 'SIGTERM', 143, STARTING],
] as const;

test.concurrent.for(SIGNALS.slice(0, atScale(1, 2)))(
  '%s leaves no process of the demo',
  { timeout: TIMEOUT_MS },
  async ([, signal, end, moment]) => {
    const { adminUrl, drop } = await testDatabase();
    const program = demo({ ...ENDLESS, QUICKSTART_FOLDER: join(folder, signal) }, adminUrl);
    await program.wrote(moment);
    const started = descendants(program.process.pid).map(({ pid }) => pid);
    expect(started.length).toBeGreaterThan(0);
    program.process.kill(signal);
    expect((await program.ended()).end).toBe(end);
    await expectNoneRunning([...started, ...processIds(program)]);
    await drop();
  },
);

test('kill -9 leaves no process of the demo, and no server', { timeout: TIMEOUT_MS }, async () => {
  const program = new Program('main.ts', {
    ...ENDLESS,
    DATABASE_URL: undefined,
    QUICKSTART_FOLDER: join(folder, 'embedded'),
  });
  await program.wrote(STARTING);
  const started = descendants(program.process.pid);
  expect(started.map(({ command }) => command).join('\n')).toContain('postgres');
  program.process.kill('SIGKILL');
  await program.ended();
  await expectNoneRunning(started.map(({ pid }) => pid));
});

interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The processes that the process started, and those that they started. */
function descendants(ancestor: number | undefined): Running[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^ *(\d+) +(\d+) +(.*)$/.exec(line) ?? [])
    .map(([, pid, parent, command = '']): Running => ({ pid: Number(pid), parent: Number(parent), command }));
  const below = (pid: number | undefined): Running[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return below(ancestor);
}

const withPassword = (url: string, password: string) => Object.assign(new URL(url), { password }).href;

test.concurrent.for([
  ['is not a URL', () => ({ DATABASE_URL: 'nonsense' }), /does not look like postgres:/],
  [
    'has a wrong password',
    () => ({ DATABASE_URL: withPassword(database.adminUrl, 'sesame') }),
    /password authentication/,
  ],
  [
    'may not make tables',
    () => ({ DATABASE_URL: database.url }),
    /the schema must be changed, which the application login may not do/,
  ],
] as const)(
  'a DATABASE_URL that %s is one clear message and exit code 1',
  { timeout: TIMEOUT_MS },
  async ([, environment, message]) => {
    await expectComplaint(demo(environment()), message);
  },
);

test('a folder that cannot be written to is one clear message and exit code 1', { timeout: TIMEOUT_MS }, async () => {
  await expectComplaint(
    demo({ QUICKSTART_FOLDER: '/dev/null/quickstart' }),
    /\/dev\/null\/quickstart.* can't be written to/,
  );
});

test('a setting that makes no sense is one clear message and exit code 1', { timeout: TIMEOUT_MS }, async () => {
  await expectComplaint(demo({ QUICKSTART_REALIZE_MS: 'soon' }), /QUICKSTART_REALIZE_MS must be a whole number/);
});

async function expectComplaint(program: Program, message: RegExp): Promise<void> {
  const { end, errors } = await program.ended();
  expect(errors).toMatch(message);
  expect(errors.trim().split('\n')).toHaveLength(1);
  expect(errors).not.toContain('sesame');
  expect(end).toBe(1);
}
