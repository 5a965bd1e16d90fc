import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DevDatabase, startServer, withClient } from '../dev-database.ts';
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
  /** Starts the server with the same data, at the same port or at another that is free. */
  start(at?: 'same-port' | 'another-port'): Promise<void>;
}

/** Committed data survives a crash of the server, because the machine continues. */
const SETTINGS = { synchronous_commit: 'on', wal_level: 'logical', max_connections: 200 };

/** Starts a server whose data survives `crash`. Disposing it removes a temporary folder. */
export async function crashableServer(options: CrashableServerOptions = {}): Promise<CrashableServer> {
  const folder = options.folder ?? (await newTestFolder('crash'));
  const settings = { ...SETTINGS, ...options.settings };
  const server = await open(join(folder, 'data'), settings);
  const adminUrl = await server.createDatabase('soak');
  const url = new URL(adminUrl);
  url.username = 'app';
  url.password = randomBytes(8).toString('hex');
  await withClient(adminUrl, (client) => client.query(`create role app login noinherit password '${url.password}'`));
  return crashable(server, {
    adminUrl,
    url: url.href,
    data: join(folder, 'data'),
    settings,
    temporary: options.folder === undefined ? [folder, server.dataDir as string] : [],
  });
}

/**
 * Starts a standby that follows the server by streaming replication, with the same databases and logins. From then on
 * the server acknowledges a commit only when the standby has it too. Resolves when the standby has received everything
 * that was acknowledged before. `select pg_promote()` makes it a primary, without a standby of its own.
 */
export async function synchronousStandby(
  primary: CrashableServer,
  { settings = {} }: Pick<CrashableServerOptions, 'settings'> = {},
): Promise<CrashableServer> {
  const data = `${primary.dataDir}-standby`;
  await copyRunningServer(primary, data);
  const all = { ...SETTINGS, ...settings };
  const server = await open(data, all);
  const at = (url: string) => Object.assign(new URL(url), { port: String(server.port) }).href;
  await acknowledgeWithStandby(primary);
  return crashable(server, {
    adminUrl: at(primary.adminUrl),
    url: at(primary.url),
    data,
    settings: all,
    temporary: [data],
  });
}

type Settings = NonNullable<CrashableServerOptions['settings']>;

const open = (dataDir: string, settings: Settings, port?: number): Promise<DevDatabase> =>
  startServer({ dataDir, fsync: false, settings, ...(port !== undefined && { port }) }, { mayCopy: true });

interface Running extends Pick<CrashableServer, 'adminUrl' | 'url'> {
  readonly data: string;
  readonly settings: Settings;
  /** Folders to remove in the end. */
  readonly temporary: readonly string[];
}

function crashable(started: DevDatabase, { adminUrl, url, data, settings, temporary }: Running): CrashableServer {
  let server = started;
  let { port } = server;
  return {
    adminUrl,
    url,
    get port() {
      return port;
    },
    get dataDir() {
      return server.dataDir as string;
    },
    crash: async () => {
      const pid = await readFile(join(server.dataDir as string, 'postmaster.pid'), 'utf8').catch(() => undefined);
      if (pid !== undefined) await killImmediately(Number.parseInt(pid, 10));
      await server.stop();
    },
    start: async (at = 'same-port') => {
      const wanted = at === 'same-port' ? port : undefined;
      server = await eventually(() => open(data, settings, wanted), { timeoutMs: 20_000, intervalMs: 100 });
      port = server.port;
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      for (const folder of temporary) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP */
async function copyRunningServer({ adminUrl, dataDir }: CrashableServer, target: string): Promise<void> {
  const label = await withClient(adminUrl, async (client) => {
    await client.query("select pg_backup_start('standby', fast => true)");
    await copyWithoutVanished(dataDir, target);
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    return (rows[0] as (typeof rows)[number]).labelfile;
  });
  await rm(join(target, 'postmaster.pid'), { force: true });
  await appendFile(
    join(target, 'postgresql.auto.conf'),
    `\nprimary_conninfo = '${adminUrl}'\nsynchronous_standby_names = ''\n`,
  );
  const { uid, gid } = await stat(join(target, 'PG_VERSION'));
  for (const [name, text] of Object.entries({ backup_label: label, 'standby.signal': '' })) {
    await writeFile(join(target, name), text, { mode: 0o600 });
    await chown(join(target, name), uid, gid);
  }
}

/** Files that the server removes meanwhile are not needed: the standby replays their removal. */
async function copyWithoutVanished(source: string, target: string): Promise<void> {
  const isVanished = (line: string) => line === '' || line.endsWith('No such file or directory');
  const english = { env: { ...process.env, LC_ALL: 'C' } };
  await promisify(execFile)('cp', ['--archive', source, target], english).catch(
    (error: Error & { stderr?: string }) => {
      if (error.stderr === undefined || !error.stderr.split('\n').every(isVanished)) throw error;
    },
  );
}

async function acknowledgeWithStandby({ adminUrl }: CrashableServer): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await client.query("alter system set synchronous_standby_names = '*'");
    await client.query('select pg_reload_conf()');
    await eventually(
      async () => {
        const { rows } = await client.query<{ state: string }>('select sync_state as state from pg_stat_replication');
        if (!rows.some(({ state }) => state === 'sync')) throw new Error('the standby does not follow yet');
      },
      { timeoutMs: 20_000, intervalMs: 50 },
    );
  });
}

async function killImmediately(pid: number): Promise<void> {
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
