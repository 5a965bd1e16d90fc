import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Binaries } from './binaries.ts';
import type { DataFolder } from './data-folder.ts';
import { DevDatabaseError } from './dev-database-error.ts';

export interface ServerOptions {
  readonly port: number | undefined;
  readonly settings: Readonly<Record<string, string | number>>;
}

export interface ServerProcess {
  readonly port: number;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const START_LIMIT_MS = 30_000;
const POLL_MS = 25;
/** A free port can be taken by another between the look and the start. */
const PORT_ATTEMPTS = 5;

export async function startServer(binaries: Binaries, folder: DataFolder, options: ServerOptions): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return await startOn(port, binaries, folder, options);
    } catch (error) {
      const isPassing = error instanceof DevDatabaseError && error.code === 'PORT_TAKEN' && options.port === undefined;
      if (!isPassing || attempt >= PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOn(port: number, binaries: Binaries, folder: DataFolder, options: ServerOptions): Promise<ServerProcess> {
  const log = join(folder.path, 'log');
  const watchdog = spawnWatchdog(port, binaries, folder, options, log);
  let hasExited = false;
  const exited = once(watchdog, 'exit').then(() => {
    hasExited = true;
  });
  const stop = async () => {
    watchdog.stdin?.end();
    await exited;
  };
  const giveUpAt = Date.now() + START_LIMIT_MS;
  while (!(await answers(port, folder.password))) {
    if (hasExited) throw whyNot(log, port, folder);
    if (Date.now() > giveUpAt) {
      await stop();
      throw new DevDatabaseError('START_FAILED', `Postgres did not answer within ${START_LIMIT_MS / 1000} s; see ${log}`);
    }
    await delay(POLL_MS);
  }
  return { port, stop };
}

function spawnWatchdog(port: number, binaries: Binaries, folder: DataFolder, options: ServerOptions, log: string): ChildProcess {
  const settings = { port, listen_addresses: HOST, unix_socket_directories: '', ...options.settings };
  const orders = {
    command: join(binaries.home, 'bin', 'postgres'),
    args: ['-D', folder.pgdata, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: folder.path,
    runAs: binaries.runAs,
  };
  const script = fileURLToPath(new URL(`./watchdog${extname(import.meta.url)}`, import.meta.url));
  const output = openSync(log, 'w', 0o600);
  const watchdog = spawn(process.execPath, [script, JSON.stringify({ ...orders, ...(folder.isTemporary && { temporaryFolder: folder.path }) })], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', output, output],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  closeSync(output);
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  watchdog.stdin?.on('error', () => {}); // It has gone; its exit tells.
  return watchdog;
}

async function answers(port: number, password: string): Promise<boolean> {
  const client = new pg.Client({ host: HOST, port, user: 'postgres', password, database: 'postgres', connectionTimeoutMillis: 2_000 });
  client.on('error', () => {}); // Reported by connect.
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

function whyNot(log: string, port: number, folder: DataFolder): DevDatabaseError {
  const said = readLog(log);
  if (/could not bind|Address already in use/.test(said)) {
    return new DevDatabaseError('PORT_TAKEN', `port ${port} is taken by another program; choose another, or stop it`);
  }
  if (/lock file "postmaster.pid" already exists/.test(said)) {
    return new DevDatabaseError('FOLDER_IN_USE', `${folder.path} is in use by another Postgres; stop that, or choose another folder`);
  }
  if (/No space left on device/.test(said)) {
    return new DevDatabaseError('DISK_FULL', `no space left on the disk of ${folder.path}; free some`);
  }
  return new DevDatabaseError('START_FAILED', `Postgres did not start: ${said.trim().split('\n').at(-1) ?? 'it said nothing'}`);
}

/** A temporary folder goes with the server, its log too. */
function readLog(log: string): string {
  try {
    return readFileSync(log, 'utf8');
  } catch {
    return 'its folder is gone';
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
