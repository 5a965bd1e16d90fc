import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type DevDatabase, startDevDatabase, urlOf, withClient } from '../dev-database.ts';

/** Options of `testDatabase`. */
export interface TestDatabaseOptions {
  /** The name of a database to copy, to which nobody is connected. Default: an empty one. */
  readonly template?: string;
}

/** A database of one test file. */
export interface TestDatabase extends AsyncDisposable {
  /** The name of the database, unique on its server. */
  readonly name: string;
  /** The superuser. */
  readonly adminUrl: string;
  /** A login of this database's own: no superuser, owns nothing, inherits nothing. */
  readonly url: string;
  /** The TCP port of its server. */
  readonly port: number;
  /** Removes it and its roles, whoever is connected. May be called twice. */
  drop(): Promise<void>;
}

/** Set by the test run's global setup to the URL of its one server. */
export const SERVER_VARIABLE = 'INTENDANT_TEST_URL';

let ownServer: Promise<DevDatabase> | undefined;

/** A fresh database on the test run's server; on a server of its own where no run has started one. */
export async function testDatabase({ template = 'template0' }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = process.env[SERVER_VARIABLE] ?? (await startOwn()).url;
  const name = `test_${randomBytes(6).toString('hex')}`;
  const login = `app_${name}`;
  const password = randomBytes(8).toString('hex');
  await withClient(server, async (client) => {
    await client.query(`create database ${name} template ${pg.escapeIdentifier(template)}`);
    await client.query(`create role ${login} login noinherit password ${pg.escapeLiteral(password)}`);
  });
  const adminUrl = urlOf(server, name);
  const dropIt = () => drop(server, name);
  return {
    name,
    adminUrl,
    url: loginUrl(adminUrl, login, password),
    port: Number(new URL(server).port || 5432),
    drop: dropIt,
    [Symbol.asyncDispose]: dropIt,
  };
}

const startOwn = (): Promise<DevDatabase> => {
  ownServer ??= startDevDatabase({ fsync: false, settings: TEST_SETTINGS });
  return ownServer;
};

/** Enough for tests of all kinds to share one server. */
export const TEST_SETTINGS = {
  wal_level: 'logical',
  wal_writer_delay: 10, // What is not flushed is not decoded.
  max_connections: 300,
  max_replication_slots: 20,
  max_wal_senders: 20,
  max_locks_per_transaction: 256,
};

function loginUrl(adminUrl: string, login: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = login;
  url.password = password;
  return url.href;
}

/** The database, and the roles that were made for it. */
async function drop(server: string, name: string): Promise<void> {
  await withClient(server, async (client) => {
    await client.query(`drop database if exists ${name} with (force)`);
    const { rows } = await client.query<{ role: string }>(
      'select rolname as role from pg_roles where rolname = $1 or starts_with(rolname, $2)',
      [`app_${name}`, `intendant_${name}_`],
    );
    for (const { role } of rows) await client.query(`drop role if exists ${pg.escapeIdentifier(role)}`);
  });
}
