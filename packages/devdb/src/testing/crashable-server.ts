import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DevDatabase, startDevDatabase, withClient } from '../dev-database.ts';
import { eventually } from './eventually.ts';
import { newTestFolder } from './test-server.ts';

/** Options of `crashableServer`. */
export interface CrashableServerOptions {
  /** Settings of Postgres, beside `synchronous_commit = on` and `wal_level = logical`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** An existing folder for the data, e.g. a small file system. Default: a temporary one. */
  readonly folder?: string;
}

/** A server of a test's own that can be stopped at once, as by a crash of Postgres, and started again. */
export interface CrashableServer extends AsyncDisposable {
  /** The superuser's URL of the database `soak`, at the first port. */
  readonly adminUrl: string;
  /** The login `app` without rights of its own, at the first port. */
  readonly url: string;
  /** The port that the server listens on now. */
  readonly port: number;
  /** The folder with the server's data. */
  readonly dataDir: string;
  /**
   * Stops the server with an immediate shutdown: connections are not notified, and no checkpoint is made. Resolves when
   * the server has ended, or had ended before.
   */
  crash(): Promise<void>;
  /** Starts the server with the same data, at another port if one is given. */
  start(port?: number): Promise<void>;
}

/** Committed data survives a crash of the server, because the machine continues. */
const SETTINGS = { synchronous_commit: 'on', wal_level: 'logical', max_connections: 200 };

/** Starts a server whose data survives `crash`. Disposing it removes a temporary folder. */
export async function crashableServer(options: CrashableServerOptions = {}): Promise<CrashableServer> {
  const folder = options.folder ?? (await newTestFolder('crash'));
  const open = (port?: number): Promise<DevDatabase> =>
    startDevDatabase({
      dataDir: join(folder, 'data'),
      persistent: true,
      fsync: false,
      settings: { ...SETTINGS, ...options.settings },
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
    get dataDir() {
      return server.dataDir as string;
    },
    crash: async () => {
      const pid = await readFile(join(server.dataDir as string, 'postmaster.pid'), 'utf8').catch(() => undefined);
      if (pid !== undefined) await killAtOnce(Number.parseInt(pid, 10));
      await server.stop();
    },
    start: async (at = port) => {
      port = at;
      server = await eventually(() => open(port), { timeoutMs: 20_000, intervalMs: 100 });
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function killAtOnce(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGQUIT');
  } catch {
    return; // It has ended by itself.
  }
  await eventually(() => expectGone(pid), { timeoutMs: 20_000 });
}

function expectGone(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch {
    return;
  }
  throw new Error(`the server, process ${pid}, is still running`);
}
