import pg from 'pg';
import type { Logger } from 'pino';
import { SERVICE_ROLE, type StoreRole } from '../context/scope.ts';
import { ConfigurationError, IntendantError } from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';
import { SET_KNOWN_SETTINGS } from '../exchange/known-settings.ts';
import { connectClient } from '../exchange/pg-internals.ts';
import { schemaOf } from '../table/framework-schema.ts';
import type { AnyTable } from '../table/record-types.ts';
import { describeTable, type RegisteredTable } from '../table/registered-table.ts';
import { withShardSizes } from './live-distribution.ts';
import { type LiveTable, readLiveTables } from './live-schema.ts';
import { newerParts, notePartVersions } from './part-versions.ts';
import { DISTRIBUTED_DDL, planDistribution } from './plan-distribution.ts';
import { planFoundation } from './plan-foundation.ts';
import { planReferences } from './plan-references.ts';
import { planTable } from './plan-table.ts';
import { lookAtRows } from './row-look.ts';
import type { SchemaPart } from './schema-part.ts';
import { lookAtDefaults } from './stored-default.ts';

export interface SchemaKeeperOptions {
  readonly adminConnection: pg.ClientConfig;
  /** False when no admin connection was given and the application login is used. */
  readonly hasAdminConnection: boolean;
  readonly schemaName: string;
  readonly hasInstancer: boolean;
  /** Whether the store has `distribution`. */
  readonly isDistributed: boolean;
  readonly roleName: (role: StoreRole) => string;
  readonly loginName: () => Promise<string>;
  readonly logger: Logger;
}

/** Advisory lock held while the schema is changed, so that processes that start together run `register` one by one. */
const REGISTER_LOCK = `select pg_advisory_xact_lock(hashtextextended('intendant.register', 0))`;

/** Registrations can still conflict outside the lock, e.g. in catalogs shared by all databases of the server. */
const MAX_ATTEMPTS = 5;

/** One pass can make another one necessary: new objects get the database's default privileges, which the next pass revokes. */
const MAX_PASSES = 3;

const LOOK_AS_SERVICE = `
  select set_config('role', r.rolname, true)
  from pg_roles r, pg_roles me, pg_namespace n
  where r.rolname = $1 and me.rolname = current_user and n.nspname = 'intendant'
    and not me.rolsuper and not pg_has_role(n.nspowner, 'member') and pg_has_role(r.oid, 'member')`;

/** Creates and changes the database objects that the registered tables and the framework need. Idempotent. */
export class SchemaKeeper {
  readonly #options: SchemaKeeperOptions;
  readonly #parts = new Map<string, SchemaPart>();

  constructor(options: SchemaKeeperOptions) {
    this.#options = options;
  }

  addPart(part: SchemaPart): void {
    this.#parts.set(part.name, part);
  }

  /** Creates what is missing for these tables, in one transaction. Returns the tables as they are in the database afterwards. */
  async apply(definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    return this.withAdmin(async (client) => {
      const tables = await this.#describe(client, definitions);
      const parts = await this.#ownParts(client, tables);
      const changed = new Set<string>();
      for (let pass = 1; pass <= MAX_PASSES; pass++)
        if ((await this.#applyOnce(client, tables, parts, changed)) === 0) break;
      await notePartVersions(client, changed);
      return tables;
    });
  }

  /** Returns the number of statements that were run. */
  async #applyOnce(
    client: pg.ClientBase,
    tables: readonly RegisteredTable[],
    parts: readonly SchemaPart[],
    changed: Set<string>,
  ): Promise<number> {
    let count = await this.#execute(client, await this.#planFoundation(client));
    count += await this.#execute(client, await this.#planTables(client, tables));
    await this.#lookAsService(client);
    for (const part of parts) {
      const done = await this.#execute(client, await part.plan(client, tables));
      if (done > 0) changed.add(part.name);
      count += done;
    }
    return count;
  }

  /** The parts without those that a newer version has changed, unless a table is new: it needs all parts. */
  async #ownParts(client: pg.ClientBase, tables: readonly RegisteredTable[]): Promise<readonly SchemaPart[]> {
    const parts = [...this.#parts.values()];
    const newer = await newerParts(client);
    if (!parts.some(({ name }) => newer.has(name))) return parts;
    const definitions = tables.map(({ definition }) => definition);
    const live = await this.#readLive(client, definitions);
    if (tables.some(({ name }) => !live.has(name))) return parts;
    const details = { parts: Object.fromEntries(newer) };
    this.#options.logger.info(details, 'a newer version of Intendant has changed these parts; they stay as they are');
    return parts.filter(({ name }) => !newer.has(name));
  }

  /**
   * A login without admin rights can still find out that nothing is missing: it is a member of the service role and reads
   * the framework's own tables under that role.
   */
  async #lookAsService(client: pg.ClientBase): Promise<void> {
    await client.query(LOOK_AS_SERVICE, [this.#options.roleName(SERVICE_ROLE)]);
  }

  /**
   * Reads the tables as they are, through a connection of the application login, and changes nothing. Throws
   * ConfigurationError for tables that do not exist.
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
      throw this.#asSchemaError(error);
    }
  }

  /** The SQL that `apply` would run, without running it. */
  async plan(definitions: readonly AnyTable[]): Promise<string[]> {
    return this.withAdmin(async (client) => {
      const tables = await this.#describe(client, definitions);
      const plans = [await this.#planFoundation(client), await this.#planTables(client, tables)];
      await this.#lookAsService(client);
      plans.push(await this.planParts(client, tables));
      const plan = plans.flat();
      return plan.length > 0 && this.#options.isDistributed ? [...DISTRIBUTED_DDL, ...plan] : plan;
    });
  }

  /** The statements that the framework's parts would run for these tables. */
  async planParts(client: pg.ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> {
    const plans: string[][] = [];
    for (const part of await this.#ownParts(client, tables)) plans.push(await part.plan(client, tables));
    return plans.flat();
  }

  /** Runs in a transaction of the admin login, under the register lock. */
  async withAdmin<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#adminTransaction(run);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isPassingConflict(error)) throw this.#asSchemaError(error);
      }
    }
  }

  #asSchemaError(error: unknown): unknown {
    const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
    if (code === '42501') return mayNotChange(error as Error, this.#options.hasAdminConnection);
    if (code === '23514') return brokenRule(error as pg.DatabaseError);
    return error instanceof IntendantError ? error : translateError(error, { operation: 'register' });
  }

  async #adminTransaction<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = new pg.Client({ application_name: 'intendant register', ...this.#options.adminConnection });
    client.on('error', () => {}); // The running statement rejects with the same error.
    await connectClient(client);
    try {
      await client.query('begin isolation level read committed read write');
      await client.query(SET_KNOWN_SETTINGS);
      if (this.#options.isDistributed) await client.query(DISTRIBUTED_DDL.join('; '));
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
    const live = await this.#readLive(client, definitions);
    const missing = names.filter((name) => !live.has(name));
    if (missing.length === 0) return this.#describe(client, definitions);
    throw new ConfigurationError(
      `register: schema ${schemaName} has no table ${missing.join(', ')}; apply the schema first, e.g. with "intendant schema --apply", or leave out schemaChanges: 'none'`,
      { details: { tables: missing } },
    );
  }

  async #describe(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    const { schemaName, hasInstancer, isDistributed } = this.#options;
    const live = await this.#readLive(client, definitions);
    const tables = definitions.map((definition) =>
      describeTable(definition, schemaOf(definition, schemaName), {
        hasInstancer,
        isDistributed,
        isInstanceStoredInKey: live.get(definition.name)?.primaryKey.includes('instance_id') ?? false,
      }),
    );
    checkInstancer(tables);
    return tables;
  }

  async #readLive(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<Map<string, LiveTable>> {
    const live = new Map<string, LiveTable>();
    const bySchema = Map.groupBy(definitions, (definition) => schemaOf(definition, this.#options.schemaName));
    for (const [schema, tables] of bySchema) {
      const names = tables.map(({ name }) => name);
      for (const [name, table] of await readLiveTables(client, schema, names)) live.set(name, table);
    }
    return live;
  }

  async #readLiveWithSizes(
    client: pg.ClientBase,
    tables: readonly RegisteredTable[],
  ): Promise<ReadonlyMap<string, LiveTable>> {
    const live = await this.#readLive(
      client,
      tables.map(({ definition }) => definition),
    );
    return this.#options.isDistributed ? withShardSizes(client, this.#options.schemaName, live) : live;
  }

  async #planFoundation(client: pg.ClientBase): Promise<string[]> {
    const { schemaName, roleName, loginName, isDistributed } = this.#options;
    return planFoundation(client, schemaName, roleName, await loginName(), isDistributed);
  }

  async #planTables(client: pg.ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> {
    const live = await this.#readLiveWithSizes(client, tables);
    const { roleName } = this.#options;
    const plan: string[] = [];
    for (const table of tables) {
      const stored = live.get(table.name);
      const facts = {
        filled: await lookAtRows(client, table, stored, roleName('reader')),
        otherDefaults: await lookAtDefaults(client, table, stored),
      };
      plan.push(...planTable(table, stored, facts, roleName));
    }
    plan.push(...(await planDistribution(client, tables, live)));
    return [...plan, ...(await planReferences(client, this.#options.schemaName, tables, live))];
  }

  async #execute(client: pg.ClientBase, statements: readonly string[]): Promise<number> {
    for (const statement of statements) {
      this.#options.logger.debug({ sql: statement.slice(0, 200) }, 'changing the schema');
      await client.query(statement);
    }
    return statements.length;
  }
}

/** Without an instancer a statement looks for the instance of its record first, which Citus does not do in one statement. */
function checkInstancer(tables: readonly RegisteredTable[]): void {
  const table = tables.find(({ placement, sharesKeys }) => placement !== 'here' && sharesKeys);
  if (table === undefined) return;
  throw new ConfigurationError(
    `register: table ${table.name} is instanced, and a store with distribution needs an instancer for it: give createDataStore an instancer, or leave out instanced`,
    { details: { table: table.name } },
  );
}

/** Errors when two sessions change one catalog row: "tuple concurrently updated", a deadlock, or the same name created twice. */
const isPassingConflict = (error: unknown): boolean =>
  error instanceof Error &&
  ['XX000', '40P01', '40001', '23505', '42710'].includes(String((error as { code?: unknown }).code));

function brokenRule(error: pg.DatabaseError): ConfigurationError {
  const { table, constraint } = error.table === undefined ? ruleOfShard(error) : error;
  const rule = constraint?.endsWith('_org_id_check') ? 'no org_id may be empty' : 'its values are no longer allowed';
  return new ConfigurationError(
    `register: rows of table ${table} break the rule ${constraint} (${rule}); change or delete them first`,
    { cause: error, details: { table, constraint } },
  );
}

/** A node of Citus sends on the message alone, with the names of a shard: they end with its number. */
function ruleOfShard({ message }: pg.DatabaseError): { table: string | undefined; constraint: string | undefined } {
  const [, constraint, , table] = /"(.+)_(\d+)".*"(.+)_\2"/.exec(message) ?? [];
  return { table, constraint };
}

function mayNotChange(error: Error, hasAdminConnection: boolean): ConfigurationError {
  const message = hasAdminConnection
    ? `register: the login of adminConnection may not change the schema (${error.message}); give an adminConnection that may create roles and tables`
    : `register: the schema must be changed, which the application login may not do (${error.message}), and no adminConnection was given; give an adminConnection that may create roles and tables, here or in the job that deploys`;
  return new ConfigurationError(message, { cause: error });
}
