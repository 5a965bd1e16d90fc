import { randomBytes } from 'node:crypto';
import { createDataStore } from '@intendant/core';
import pg from 'pg';
import type { ContestantOptions } from '../contestant/contestant.ts';
import { benchTable, plainName, ROLE_MAPPING } from './bench-table.ts';

/** A database for this run, with an application login that owns nothing. */
export class BenchDatabase implements ContestantOptions, AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly adminUrl: string;
  readonly tables: string[] = [];
  readonly #serverUrl: string;
  readonly #login: string;

  private constructor(serverUrl: string) {
    this.#serverUrl = serverUrl;
    this.name = `intendant_bench_${randomBytes(4).toString('hex')}`;
    this.#login = `app_${this.name}`;
    this.adminUrl = withParts(serverUrl, { pathname: this.name });
    this.url = withParts(this.adminUrl, { username: this.#login, password: 'bench' });
  }

  static async create(serverUrl: string): Promise<BenchDatabase> {
    const database = new BenchDatabase(serverUrl);
    await withClient(serverUrl, async (client) => {
      await client.query(`create database ${database.name} template template0`);
      await client.query(`create role ${database.#login} login noinherit password 'bench'`);
    });
    return database;
  }

  get tenantRole(): string {
    return `intendant_${this.name}_tenant_writer`;
  }

  admin<T>(run: (client: pg.Client) => Promise<T>): Promise<T> {
    return withClient(this.adminUrl, run);
  }

  /** Whether the server writes the log records that logical replication needs. */
  async hasLogicalReplication(): Promise<boolean> {
    const { rows } = await this.admin((client) => client.query<{ wal_level: string }>('show wal_level'));
    return rows[0]?.wal_level === 'logical';
  }

  /** A registered table and a plain table with the same columns; both contain this many rows for each of this many tenants. */
  async addTable(name: string, tenants: number, rowsATenant: number): Promise<void> {
    if (this.tables.includes(name)) return;
    await using store = await createDataStore({ connection: this.url, adminConnection: this.adminUrl });
    await store.register([benchTable(name)], { roles: ROLE_MAPPING });
    await this.admin(async (client) => {
      await client.query(
        `insert into ${name} (org_id, id, name, region, cpus)
         select 'org-' || lpad(tenant::text, 5, '0'), 'vm-' || lpad(number::text, 7, '0'), 'a machine', 'us-west-1', 4
         from generate_series(0, $1::int - 1) as tenant, generate_series(0, $2::int - 1) as number`,
        [tenants, rowsATenant],
      );
      await client.query(`create table ${plainName(name)} (like ${name} including defaults including indexes)`);
      await client.query(`insert into ${plainName(name)} select * from ${name}`);
      await client.query(`grant select, insert, update, delete on ${plainName(name)} to ${this.#login}`);
      await client.query(`vacuum (analyze) ${name}, ${plainName(name)}`);
    });
    this.tables.push(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await withClient(this.#serverUrl, async (client) => {
      await dropReplicationSlots(client, this.name);
      await client.query(`drop database if exists ${this.name} with (force)`);
      const { rows } = await client.query<{ role: string }>(
        'select rolname as role from pg_roles where rolname = $1 or starts_with(rolname, $2)',
        [this.#login, `intendant_${this.name}_`],
      );
      for (const { role } of rows) await client.query(`drop role ${pg.escapeIdentifier(role)}`);
    });
  }
}

/** A database with a replication slot cannot be dropped. Slots remain when a run is interrupted. */
async function dropReplicationSlots(client: pg.Client, database: string): Promise<void> {
  const { rows } = await client.query<{ slot: string; holder: number | null }>(
    'select slot_name as slot, active_pid as holder from pg_replication_slots where database = $1',
    [database],
  );
  for (const { slot, holder } of rows) {
    if (holder !== null) await client.query('select pg_terminate_backend($1, 5000)', [holder]);
    await client.query('select pg_drop_replication_slot($1)', [slot]);
  }
}

async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

function withParts(url: string, parts: { pathname?: string; username?: string; password?: string }): string {
  return Object.assign(new URL(url), parts).href;
}
