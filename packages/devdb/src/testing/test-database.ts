import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type DevDatabase, urlOf, withClient } from '../dev-database.ts';
import { refuseUnknownOptions } from '../unknown-option.ts';
import { CITUS_VARIABLE, createCitusDatabase, isOnCitus, nodeUrls } from './citus-database.ts';
import { eventually } from './eventually.ts';
import { startTestServer } from './test-server.ts';

/** Options of `testDatabase`. */
export interface TestDatabaseOptions {
  /** The name of a database to copy. It must have no connections. Default: an empty one. */
  readonly template?: string;
}

/** A database for one test file. */
export interface TestDatabase extends AsyncDisposable {
  /** The name of the database, unique on its server. */
  readonly name: string;
  /** The superuser's URL. */
  readonly adminUrl: string;
  /** The URL of a login that was made for this database: it is not a superuser, owns nothing and inherits nothing. */
  readonly url: string;
  /** The TCP port of its server. */
  readonly port: number;
  /** Removes the database and its roles, and ends open connections. May be called twice. */
  drop(): Promise<void>;
}

/** The environment variable in which the global setup of a test run stores the URL of its server. */
export const SERVER_VARIABLE = 'INTENDANT_TEST_URL';

let ownServer: Promise<DevDatabase> | undefined;

/** Creates a database on the server of the test run. Starts a server if the run has none. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  refuseUnknownOptions('testDatabase', options, ['template']);
  const { template = 'template0' } = options;
  const server = process.env[CITUS_VARIABLE] || (process.env[SERVER_VARIABLE] ?? (await startOwn()).url);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const login = `app_${name}`;
  const password = randomBytes(8).toString('hex');
  const adminUrl = urlOf(server, name);
  const createLogin = `create role ${login} login noinherit password ${pg.escapeLiteral(password)}`;
  if (isOnCitus()) {
    await createCitusDatabase(server, name);
    await withClient(adminUrl, (client) => client.query(createLogin)); // In this database, so that the nodes get it too.
  } else {
    await withClient(server, async (client) => {
      await client.query(`create database ${name} template ${pg.escapeIdentifier(template)}`);
      await client.query(createLogin);
    });
  }
  const dropDatabase = () => drop(server, name);
  return {
    name,
    adminUrl,
    url: loginUrl(adminUrl, login, password),
    port: Number(new URL(server).port || 5432),
    drop: dropDatabase,
    [Symbol.asyncDispose]: dropDatabase,
  };
}

const startOwn = (): Promise<DevDatabase> => {
  ownServer ??= startTestServer();
  return ownServer;
};

function loginUrl(adminUrl: string, login: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = login;
  url.password = password;
  return url.href;
}

/** Removes the database, and the roles that were made for it. */
async function drop(server: string, name: string): Promise<void> {
  const servers = isOnCitus() ? await nodeUrls(server) : [server];
  for (const each of servers) await dropFrom(each, name);
}

async function dropFrom(server: string, name: string): Promise<void> {
  await withClient(server, async (client) => {
    await untilUnused(client, name);
    await client.query(`drop database if exists ${name} with (force)`);
    const { rows } = await client.query<{ role: string }>(
      'select rolname as role from pg_roles where rolname = $1 or starts_with(rolname, $2)',
      [`app_${name}`, `intendant_${name}_`],
    );
    for (const { role } of rows) await client.query(`drop role if exists ${pg.escapeIdentifier(role)}`);
  });
}

/**
 * Waits a moment for connections that are closing. If the server terminated them, their clients would throw an error that
 * no test handles.
 */
async function untilUnused(client: pg.Client, name: string): Promise<void> {
  const count = 'select count(*)::int as connections from pg_stat_activity where datname = $1';
  const look = async () => {
    const { rows } = await client.query<{ connections: number }>(count, [name]);
    if (rows[0]?.connections !== 0) throw new Error(`${name} still has connections`);
  };
  await eventually(look, { timeoutMs: 1_000, intervalMs: 10 }).catch(() => {}); // A client that stays open is disconnected.
}
