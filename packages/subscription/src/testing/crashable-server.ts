import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevDatabase, startDevDatabase } from '@intendant/devdb';
import { eventually, withClient } from '@intendant/devdb/testing';

/** A server of a test's own that can be stopped at once, as by a crash of Postgres, and started again. */
export interface CrashableServer extends AsyncDisposable {
  /** The superuser's URL of the database, as it was at first. */
  readonly adminUrl: string;
  /** A login without rights of its own. */
  readonly url: string;
  /** Where it listens now. */
  readonly port: number;
  /** Immediate shutdown: no connection is told, no checkpoint made. Resolves when it is gone. */
  crash(): Promise<void>;
  /** With the same data, at another port if one is given. */
  start(port?: number): Promise<void>;
}

/** What was committed survives a crash of the server, since the machine lives on. */
const SETTINGS = { synchronous_commit: 'on', wal_level: 'logical', max_connections: 200 };

export async function crashableServer(): Promise<CrashableServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'intendant-crash-'));
  const open = (port?: number): Promise<DevDatabase> =>
    startDevDatabase({
      dataDir: join(dataDir, 'data'),
      persistent: true,
      fsync: false,
      settings: SETTINGS,
      ...(port !== undefined && { port }),
    });
  let server = await open();
  let { port } = server;
  const adminUrl = await server.createDatabase('soak');
  const url = new URL(adminUrl);
  url.username = 'app';
  url.password = randomBytes(8).toString('hex');
  await withClient(adminUrl, (client) => client.query(`create role app login noinherit password '${url.password}'`));
  return {
    adminUrl,
    url: url.href,
    get port() {
      return port;
    },
    crash: async () => {
      const [pid] = (await readFile(join(server.dataDir as string, 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGQUIT');
      await eventually(() => expectGone(Number(pid)), { timeoutMs: 20_000 });
      await server.stop();
    },
    start: async (at = port) => {
      port = at;
      server = await eventually(() => open(port), { timeoutMs: 20_000, intervalMs: 100 });
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function expectGone(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch {
    return;
  }
  throw new Error(`the server, process ${pid}, is still there`);
}
