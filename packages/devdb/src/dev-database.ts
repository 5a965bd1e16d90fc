import { resolve } from 'node:path';
import pg from 'pg';
import { failure } from './dev-database-error.ts';
import { KeeperProcess } from './keeper/keeper-process.ts';
import { refuseUnknownOptions } from './unknown-option.ts';

/** The part of a logger (pino's, console) that is used here. */
export interface DevDatabaseLogger {
  /** Receives a line of the server's log. */
  debug(message: string): void;
  /** Receives the message that the server ended unexpectedly. */
  error(message: string): void;
}

/** Options of `startDevDatabase`. */
export interface DevDatabaseOptions {
  /**
   * The folder for the data. It is created if it does not exist. Postgres does not run as root. So if only root has access to
   * this folder, the data is stored in a folder in /var/lib/intendant, and this one becomes a link to it. Default: a temporary folder.
   */
  readonly dataDir?: string;
  /** Whether the data is kept when the server stops. True needs a dataDir. Default: true with a dataDir, else false. */
  readonly persistent?: boolean;
  /** The TCP port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** False is faster, but a power failure can destroy the data; use it for tests. Default true. */
  readonly fsync?: boolean;
  /** Settings of Postgres, e.g. `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The URL of a server to use instead of starting one. Default: the environment variable DATABASE_URL, if it is set. */
  readonly url?: string;
  /** Receives the server's log (debug), and an error when the server ends unexpectedly. Default: silent. */
  readonly logger?: DevDatabaseLogger;
}

/** A Postgres server for development and tests. */
export interface DevDatabase extends AsyncDisposable {
  /** The superuser's URL of the database `postgres`, or the value of DATABASE_URL. */
  readonly url: string;
  /** The TCP port that the server listens on. */
  readonly port: number;
  /** The folder of the data; undefined for a server that was not started here. */
  readonly dataDir: string | undefined;
  /** Returns the superuser's URL of the database with this name. Creates it if it does not exist. */
  createDatabase(name: string, options?: { readonly template?: string }): Promise<string>;
  /** Stops the server and removes a temporary folder. May be called twice. Does not stop a server that was not started here. */
  stop(): Promise<void>;
}

/** Fast. Committed data survives a crash of the server, but perhaps not of the machine. */
const WITHOUT_DURABILITY = { fsync: 'off', full_page_writes: 'off' };
/** SQLSTATEs of `create database`: it exists, or another process is creating it. */
const ALREADY_THERE = ['42P04', '23505'];
const HIGHEST_PORT = 65_535;

/**
 * Starts a real Postgres 18 from npm on 127.0.0.1, in less than a second, or two the first time. The server ends with this process, even after kill -9.
 *
 * Throws DevDatabaseError if there is no binary for this platform, the folder is in use or not writable, the port is taken,
 * the disk is full, the server at DATABASE_URL cannot be reached, Node is too old, or an option is wrong or unknown.
 *
 * ```ts
 * import { startDevDatabase } from '@intendant/devdb';
 *
 * await using server = await startDevDatabase();
 * const url = await server.createDatabase('billing');
 * ```
 */
export async function startDevDatabase(options: DevDatabaseOptions = {}): Promise<DevDatabase> {
  requireNode();
  checkOptions(options);
  const external = options.url ?? process.env['DATABASE_URL'];
  return external ? useServer(external.trim()) : startServer(options, { mayCopy: !isPersistent(options) });
}

/** Checks the Node version that `engines` in package.json requires. */
function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return;
  throw failure('NODE_TOO_OLD', `Intendant does not run on Node.js ${process.versions.node}`);
}

const OPTIONS = ['dataDir', 'persistent', 'port', 'fsync', 'settings', 'url', 'logger'];

function checkOptions(options: DevDatabaseOptions): void {
  refuseUnknownOptions('startDevDatabase', options, OPTIONS);
  const { port, persistent, dataDir } = options;
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port <= HIGHEST_PORT)) {
    throw failure('INVALID_OPTION', `port is ${port}, and must be a whole number from 1 to ${HIGHEST_PORT}`);
  }
  if (persistent === true && dataDir === undefined) throw failure('INVALID_OPTION', 'persistent: true needs a dataDir');
}

/** Error messages never contain the URL, because it contains a password. */
async function useServer(url: string): Promise<DevDatabase> {
  const { protocol, host, port } = URL.parse(url) ?? {};
  if (!/^postgres(ql)?:$/.test(protocol ?? '')) {
    throw failure('UNREACHABLE', 'DATABASE_URL does not look like postgres://user:password@host:5432/name');
  }
  await withClient(url, async () => {}).catch((cause: unknown) => {
    throw failure(
      'UNREACHABLE',
      `Cannot connect to Postgres at ${host}, the address in DATABASE_URL: ${reason(cause)}`,
      {
        cause,
      },
    );
  });
  return database(url, Number(port || 5432), undefined, async () => {});
}

/** A refused connection can be an AggregateError without a message; its code is used instead. */
function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return message || String(code);
}

/** `mayCopy`: whether a new cluster may be a copy of an earlier one, which is faster; all copies have the same system identifier. */
export async function startServer(
  options: DevDatabaseOptions,
  { mayCopy }: { readonly mayCopy: boolean },
): Promise<DevDatabase> {
  const keeper = new KeeperProcess();
  const stop = () => keeper.stop();
  try {
    const server = await keeper.start(
      {
        dataDir: options.dataDir === undefined ? null : resolve(options.dataDir),
        persistent: isPersistent(options),
        mayCopy,
        port: options.port ?? null,
        settings: settingsFor(options),
        wantsLog: options.logger !== undefined,
      },
      { onLog: (line) => options.logger?.debug(line), onDied: (message) => options.logger?.error(message) },
    );
    const url = `postgres://postgres:${server.password}@127.0.0.1:${server.port}/postgres?sslmode=disable`;
    return database(url, server.port, server.dataDir, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

const isPersistent = ({ persistent, dataDir }: DevDatabaseOptions): boolean => persistent ?? dataDir !== undefined;

function settingsFor({ fsync, settings }: DevDatabaseOptions): Record<string, string | number> {
  return { max_connections: 200, lc_messages: 'C', ...(fsync === false && WITHOUT_DURABILITY), ...settings };
}

function database(url: string, port: number, dataDir: string | undefined, stop: () => Promise<void>): DevDatabase {
  return {
    url,
    port,
    dataDir,
    stop,
    createDatabase: async (name, options = {}) => {
      refuseUnknownOptions('createDatabase', options, ['template']);
      return createDatabase(url, name, options.template);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function createDatabase(url: string, name: string, template: string | undefined): Promise<string> {
  if (/[?#]/.test(name))
    throw new TypeError(`createDatabase: a URL cannot name the database ${JSON.stringify(name)}; leave out ? and #`);
  const from = template === undefined ? '' : ` template ${pg.escapeIdentifier(template)}`;
  await withClient(url, async (client) => {
    await client.query(`create database ${pg.escapeIdentifier(name)}${from}`).catch((error: pg.DatabaseError) => {
      if (!ALREADY_THERE.includes(error.code ?? '')) throw error;
    });
  });
  return urlOf(url, name);
}

/**
 * The same server and login, another database. pg does not decode escaped reserved characters (`%2F`), so these are left
 * unescaped in the path, which libpq accepts too.
 */
export function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURI(database)}`;
  return other.href;
}

/**
 * Connects to the URL, calls `run` with the client, and closes the connection. Returns what `run` returns, and throws what it throws.
 */
export async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // The running statement rejects with it.
  try {
    await client.connect();
    return await run(client);
  } finally {
    await client.end();
  }
}
