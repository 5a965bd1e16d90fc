import pg from 'pg';
import { findBinaries } from './binaries.ts';
import { openDataFolder } from './data-folder.ts';
import { DevDatabaseError } from './dev-database-error.ts';
import { startServer } from './server-process.ts';

export interface DevDatabaseOptions {
  /** A folder to keep the data in; made when it is missing. Default: a temporary one, removed at the end. */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** False trades safety on power loss for speed, as tests like it. Default true. */
  readonly fsync?: boolean;
  /** Postgres' own settings, e.g. `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Use this server instead of starting one. Default: the environment's DATABASE_URL, if it is set. */
  readonly url?: string;
}

/** A Postgres server for development and tests. */
export interface DevDatabase extends AsyncDisposable {
  /** The superuser's URL of the database `postgres` (or what DATABASE_URL says). */
  readonly url: string;
  readonly port: number;
  /** Undefined when DATABASE_URL names somebody else's server. */
  readonly dataDir: string | undefined;
  /** The superuser's URL of a database of this name, created if it is not there. */
  createDatabase(name: string, options?: { readonly template?: string }): Promise<string>;
  /** Stops the server, and removes a temporary folder. May be called twice. Somebody else's server is left alone. */
  stop(): Promise<void>;
}

/**
 * Starts a real Postgres 18 on 127.0.0.1, from npm; in about a second. It ends with this process, however that ends.
 *
 * Throws DevDatabaseError: no binary for this platform, folder in use or not writable, port taken, disk full, or a
 * DATABASE_URL that nobody answers at.
 */
export async function startDevDatabase(options: DevDatabaseOptions = {}): Promise<DevDatabase> {
  const external = options.url ?? process.env['DATABASE_URL'];
  if (external !== undefined && external !== '') return useServer(external);
  const binaries = findBinaries();
  const folder = openDataFolder(binaries, options.dataDir);
  const server = await startServer(binaries, folder, {
    port: options.port,
    settings: { max_connections: 200, ...(options.fsync === false && FAST_AND_LOOSE), ...options.settings },
  });
  const url = `postgres://postgres:${folder.password}@127.0.0.1:${server.port}/postgres`;
  return database(url, server.port, folder.path, server.stop);
}

/** Nothing survives a crash of the machine, and nothing has to. */
const FAST_AND_LOOSE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

async function useServer(url: string): Promise<DevDatabase> {
  let port: number;
  try {
    port = Number(new URL(url).port || 5432);
  } catch {
    throw new DevDatabaseError('UNREACHABLE', 'DATABASE_URL is not a URL; it should look like postgres://user:password@host:5432/name');
  }
  await withClient(url, async () => {}).catch((cause: unknown) => {
    throw new DevDatabaseError('UNREACHABLE', `no Postgres lets us in at DATABASE_URL (${reason(cause)}); mend it, or unset it to get one from npm`, cause);
  });
  return database(url, port, undefined, async () => {});
}

/** A refused connection can be several errors in one, without a message of its own. */
function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function database(url: string, port: number, dataDir: string | undefined, stop: () => Promise<void>): DevDatabase {
  return {
    url,
    port,
    dataDir,
    stop,
    createDatabase: (name, { template } = {}) => createDatabase(url, name, template),
    [Symbol.asyncDispose]: stop,
  };
}

async function createDatabase(url: string, name: string, template: string | undefined): Promise<string> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) {
      await client.query(`create database ${pg.escapeIdentifier(name)}${template === undefined ? '' : ` template ${pg.escapeIdentifier(template)}`}`);
    }
  });
  return urlOf(url, name);
}

/** The same server and login, another database. */
export function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

export async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // The statement under way rejects with it.
  try {
    await client.connect();
    return await run(client);
  } finally {
    await client.end();
  }
}
