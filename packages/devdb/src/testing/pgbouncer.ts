import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { TestDatabase } from './test-database.ts';

/**
 * Returns the version of the installed PgBouncer, e.g. 1.18; undefined if there is none. In CI it installs PgBouncer if it
 * can.
 */
function pgBouncerVersion(): number | undefined {
  const installed = readVersion();
  if (installed !== undefined || process.env['CI'] === undefined) return installed;
  try {
    execFileSync('sh', ['-c', 'apt-get update && apt-get install -y pgbouncer'], { stdio: 'ignore' });
  } catch {
    return undefined; // Not Debian, or not allowed: the tests that need it say that they are skipped.
  }
  return readVersion();
}

/** Returns why tests with PgBouncer cannot run on this machine, for the name of the skipped suite; undefined if they can run. */
export function whyNoPgBouncer(lowestVersion = 1): string | undefined {
  const version = pgBouncerVersion();
  if (version === undefined) return 'PgBouncer is not installed: apt-get install pgbouncer';
  if (version < lowestVersion) return `PgBouncer ${version} is installed, and ${lowestVersion} is needed`;
  return undefined;
}

const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/local/sbin` };

function readVersion(): number | undefined {
  try {
    const output = execFileSync('pgbouncer', ['--version'], { encoding: 'utf8', env: environment });
    const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(output) ?? [];
    return Number(`${major}.${minor?.padStart(2, '0')}`);
  } catch {
    return undefined;
  }
}

/** A running PgBouncer. Disposing it ends the process and deletes its configuration. */
export interface PgBouncer extends AsyncDisposable {
  /** The database's URL through the pooler. */
  readonly url: string;
}

/**
 * Starts a PgBouncer in transaction mode in front of the database, with two server connections for all clients.
 * `settings` are written to its configuration, e.g. `{ default_pool_size: 1 }`.
 */
export async function startPgBouncer(
  database: Pick<TestDatabase, 'name' | 'url'>,
  settings: Readonly<Record<string, string | number>> = {},
  attempts = 5,
): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'intendant-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  writeConfiguration(folder, port, database, settings);
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : []; // It refuses to run as root.
  const child = spawn('pgbouncer', ['-q', ...asNobody, join(folder, 'pgbouncer.ini')], {
    stdio: 'ignore',
    env: environment,
  });
  const ended = once(child, 'exit').then(() => 'ended' as const);
  const listening = eventually(() => canConnect(port), { timeoutMs: 20_000 }).then(() => 'listening' as const);
  listening.catch(() => {});
  const state = await Promise.race([listening, ended]);
  if (state === 'ended') {
    rmSync(folder, { recursive: true, force: true });
    if (attempts <= 1) throw new Error('pgbouncer ended while it was starting');
    return startPgBouncer(database, settings, attempts - 1); // Another program has taken the port meanwhile.
  }
  const url = new URL(database.url);
  url.port = String(port);
  url.hostname = '127.0.0.1';
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeConfiguration(
  folder: string,
  port: number,
  database: Pick<TestDatabase, 'name' | 'url'>,
  settings: Readonly<Record<string, string | number>>,
): void {
  const target = new URL(database.url);
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: 2,
    max_client_conn: 100,
    ...settings,
  };
  const server = `host=${target.hostname} port=${target.port} dbname=${database.name} user=${target.username} password=${target.password}`;
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `${database.name} = ${server}`,
      '[pgbouncer]',
      ...Object.entries(all).map(([name, value]) => `${name} = ${value}`),
    ].join('\n'),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function canConnect(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}
