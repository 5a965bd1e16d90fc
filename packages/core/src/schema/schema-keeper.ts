import pg from 'pg';
import type { Logger } from 'pino';
import type { DbRole } from '../context/db-role.ts';
import { ConfigurationError, IntendantError } from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';
import type { AnyTable } from '../table/record-types.ts';
import { describeTable, type RegisteredTable } from '../table/registered-table.ts';
import { readLiveTables } from './live-schema.ts';
import { planFoundation } from './plan-foundation.ts';
import { planTable } from './plan-table.ts';
import type { SchemaPart } from './schema-part.ts';

export interface SchemaKeeperOptions {
  readonly adminConnection: pg.ClientConfig;
  readonly schemaName: string;
  readonly hasInstancer: boolean;
  readonly roleName: (role: DbRole) => string;
  readonly loginName: () => Promise<string>;
  readonly logger: Logger;
}

/** Held by whoever changes the schema, so that processes that start together take turns. */
const REGISTER_LOCK = `select pg_advisory_xact_lock(hashtextextended('intendant.register', 0))`;

/** Two registrations of one database can still meet outside the lock, e.g. in the cluster's shared catalogs. */
const MAX_ATTEMPTS = 5;

/** Brings the database to what the registered tables and the framework's parts need. Everything here is idempotent. */
export class SchemaKeeper {
  readonly #options: SchemaKeeperOptions;
  readonly #parts = new Map<string, SchemaPart>();

  constructor(options: SchemaKeeperOptions) {
    this.#options = options;
  }

  addPart(part: SchemaPart): void {
    this.#parts.set(part.name, part);
  }

  /** Carries out what is missing for these tables, in one transaction; answers them as they now are. */
  async apply(definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    return this.withAdmin(async (client) => {
      const tables = await this.#describe(client, definitions);
      await this.#execute(client, await this.#planFoundation(client));
      await this.#execute(client, await this.#planTables(client, tables));
      for (const part of this.#parts.values()) await this.#execute(client, await part.plan(client, tables));
      return tables;
    });
  }

  /**
   * The tables as they are in the database, which is not changed; asks through a connection of the application login.
   * Throws ConfigurationError for tables that are not there.
   */
  async describe(pool: pg.Pool, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    try {
      const client = await pool.connect();
      try {
        return await this.#describeExisting(client, definitions);
      } finally {
        client.release();
      }
    } catch (error) {
      throw asSchemaError(error);
    }
  }

  /** The SQL that `apply` would run, without running it. */
  async plan(definitions: readonly AnyTable[]): Promise<string[]> {
    return this.withAdmin(async (client) => {
      const tables = await this.#describe(client, definitions);
      const plans = [await this.#planFoundation(client), await this.#planTables(client, tables)];
      for (const part of this.#parts.values()) plans.push(await part.plan(client, tables));
      return plans.flat();
    });
  }

  /** Runs in a transaction of the admin login, behind the register lock. */
  async withAdmin<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#adminTransaction(run);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isPassingConflict(error)) throw asSchemaError(error);
      }
    }
  }

  async #adminTransaction<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = new pg.Client({ application_name: 'intendant register', ...this.#options.adminConnection });
    client.on('error', () => {}); // The statement under way rejects with it.
    await client.connect();
    try {
      await client.query('begin');
      await client.query(REGISTER_LOCK);
      const result = await run(client);
      await client.query('commit');
      return result;
    } finally {
      await client.end();
    }
  }

  async #describeExisting(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    const { schemaName } = this.#options;
    const names = definitions.map(({ name }) => name);
    const live = await readLiveTables(client, schemaName, names);
    const missing = names.filter((name) => !live.has(name));
    if (missing.length === 0) return this.#describe(client, definitions);
    throw new ConfigurationError(
      `register: schema ${schemaName} has no table ${missing.join(', ')}; apply the schema first, e.g. with "intendant schema --apply", or leave out schemaChanges: 'none'`,
      { details: { tables: missing } },
    );
  }

  /** A store without an instancer leaves `instance_id` out of the key, unless another store has put it there. */
  async #describe(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    const { schemaName, hasInstancer } = this.#options;
    const live = await readLiveTables(
      client,
      schemaName,
      definitions.map(({ name }) => name),
    );
    return definitions.map((definition) =>
      describeTable(
        definition,
        schemaName,
        hasInstancer || (live.get(definition.name)?.primaryKey.includes('instance_id') ?? false),
      ),
    );
  }

  async #planFoundation(client: pg.ClientBase): Promise<string[]> {
    const { schemaName, roleName, loginName } = this.#options;
    return planFoundation(client, schemaName, roleName, await loginName());
  }

  async #planTables(client: pg.ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> {
    const live = await readLiveTables(
      client,
      this.#options.schemaName,
      tables.map(({ name }) => name),
    );
    return tables.flatMap((table) => planTable(table, live.get(table.name), this.#options.roleName));
  }

  async #execute(client: pg.ClientBase, statements: readonly string[]): Promise<void> {
    for (const statement of statements) {
      this.#options.logger.debug({ sql: statement.slice(0, 200) }, 'changing the schema');
      await client.query(statement);
    }
  }
}

/** Two sessions that change one catalog row: "tuple concurrently updated", a deadlock, or the same name made twice. */
const isPassingConflict = (error: unknown): boolean =>
  error instanceof Error &&
  ['XX000', '40P01', '40001', '23505', '42710'].includes(String((error as { code?: unknown }).code));

function asSchemaError(error: unknown): unknown {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  if (code === '42501') {
    return new ConfigurationError(
      `register: the admin login may not change the schema (${(error as Error).message}); give an adminConnection that may create roles and tables`,
      { cause: error },
    );
  }
  if (code === '23514') {
    return new ConfigurationError('register: rows break a new rule of the table; mend them first', { cause: error });
  }
  return error instanceof IntendantError ? error : translateError(error, { operation: 'register' });
}
