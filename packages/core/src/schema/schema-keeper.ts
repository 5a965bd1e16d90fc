import type pg from 'pg';
import type { Logger } from 'pino';
import { SERVICE_ROLE, type StoreRole } from '../context/scope.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import { schemaOf } from '../table/framework-schema.ts';
import type { AnyTable } from '../table/record-types.ts';
import { describeTable, type RegisteredTable } from '../table/registered-table.ts';
import { AdminConnection, type AdminConnectionOptions } from './admin-connection.ts';
import { planProtection } from './framework-objects.ts';
import { withShardSizes } from './live-distribution.ts';
import { type LiveTable, readLiveTables } from './live-schema.ts';
import { newerParts, notePartVersions } from './part-versions.ts';
import { checkInstancer, DISTRIBUTED_DDL, planDistribution, refuseDistributedTables } from './plan-distribution.ts';
import { planFoundation } from './plan-foundation.ts';
import { planReferences } from './plan-references.ts';
import { planTable } from './plan-table.ts';
import { SET_SERVICE_ROLE } from './roles.ts';
import { readRowFacts } from './row-facts.ts';
import { asSchemaError } from './schema-error.ts';
import type { SchemaPart } from './schema-part.ts';
import { readDefaults } from './stored-default.ts';

export interface SchemaKeeperOptions extends AdminConnectionOptions {
  readonly schemaName: string;
  readonly hasInstancer: boolean;
  /** Whether the database has the extension. */
  readonly hasCitus: boolean;
  readonly roleName: (role: StoreRole) => string;
  readonly loginName: () => Promise<string>;
  readonly logger: Logger;
}

/**
 * Statements can make others necessary: new objects get the database's default privileges, which are then revoked, and a
 * revoke with `cascade` also takes rights that the revoked role had granted. So a plan is repeated until it is empty.
 */
const MAX_PASSES = 3;

/** The statements of each step. */
type SchemaPlan = AsyncGenerator<readonly string[]>;

/** The registered tables that exist, by name. */
type LiveTables = ReadonlyMap<string, LiveTable>;

/** Creates and changes the database objects that the registered tables and the framework need. Idempotent. */
export class SchemaKeeper {
  readonly #options: SchemaKeeperOptions;
  readonly #connection: AdminConnection;
  readonly #parts = new Map<string, SchemaPart>();

  constructor(options: SchemaKeeperOptions) {
    this.#options = options;
    this.#connection = new AdminConnection(options);
  }

  addPart(part: SchemaPart): void {
    this.#parts.set(part.name, part);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /**
   * Creates what is missing for these tables, in one transaction. Returns the tables as they are in the database afterwards.
   * It looks first: most registrations have nothing to change, and then many processes can register at the same time.
   */
  async apply(definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    return this.#connection.use(
      async (transaction) =>
        (await transaction('look', (client) => this.#describeUnchanged(client, definitions))) ??
        (await transaction('change', (client) => this.#change(client, definitions))),
    );
  }

  /** Undefined if something is missing. */
  async #describeUnchanged(
    client: pg.ClientBase,
    definitions: readonly AnyTable[],
  ): Promise<RegisteredTable[] | undefined> {
    const live = await this.#readLive(client, definitions);
    if (definitions.some(({ name }) => !live.has(name))) return undefined;
    const tables = this.#describe(definitions, live);
    const parts = await this.#ownParts(client, tables);
    for await (const statements of this.#plans(client, tables, parts, live))
      if (statements.length > 0) return undefined;
    await this.#warn(client, parts, tables);
    return tables;
  }

  async #change(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    const live = await this.#readLive(client, definitions);
    const tables = this.#describe(definitions, live);
    const parts = await this.#ownParts(client, tables);
    await this.#execute(client, await this.#planFoundation(client));
    await this.#changeTables(client, tables, live);
    await this.#setServiceRole(client);
    const changed = new Set<string>();
    for (const part of parts) if (await this.#changePart(client, part, tables)) changed.add(part.name);
    await notePartVersions(client, changed);
    await this.#warn(client, parts, tables);
    return tables;
  }

  async #warn(client: pg.ClientBase, parts: readonly SchemaPart[], tables: readonly RegisteredTable[]): Promise<void> {
    for (const part of parts) await part.warn?.(client, tables, this.#options.logger);
  }

  async #changeTables(client: pg.ClientBase, tables: readonly RegisteredTable[], found: LiveTables): Promise<void> {
    const definitions = tables.map(({ definition }) => definition);
    let live = found;
    for (let pass = 1; pass <= MAX_PASSES; pass++) {
      const plan = await this.#planTables(client, tables, live);
      if (plan.length === 0) return;
      await this.#execute(client, plan);
      live = await this.#readLive(client, definitions);
    }
  }

  /** The access to the part's objects is planned when they exist, so that what they got by default is known. Returns whether something changed. */
  async #changePart(client: pg.ClientBase, part: SchemaPart, tables: readonly RegisteredTable[]): Promise<boolean> {
    const plan = await part.plan(client, tables);
    await this.#execute(client, plan);
    let isChanged = plan.length > 0;
    for (let pass = 1; pass <= MAX_PASSES; pass++) {
      const access = await this.#planAccess(client, part, tables);
      await this.#execute(client, access);
      isChanged ||= access.length > 0;
      if (!access.some(mayCascade)) break;
    }
    return isChanged;
  }

  async #planAccess(client: pg.ClientBase, part: SchemaPart, tables: readonly RegisteredTable[]): Promise<string[]> {
    const plans: string[][] = [];
    for (const objects of await part.objects(client, tables))
      plans.push(await planProtection(client, objects, this.#options.roleName));
    return plans.flat();
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
  async #setServiceRole(client: pg.ClientBase): Promise<void> {
    await client.query(SET_SERVICE_ROLE, [this.#options.roleName(SERVICE_ROLE)]);
  }

  /**
   * Reads the tables as they are, through a connection of the application login, and changes nothing. Throws
   * ConfigurationError for tables that do not exist.
   */
  async describe(pool: pg.Pool, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    try {
      const client = await pool.connect();
      try {
        await client.query('begin isolation level read committed read only'); // Some looks need a savepoint.
        return await this.#describeExisting(client, definitions);
      } finally {
        const isLost = await client.query('rollback').then(
          () => false,
          () => true,
        );
        client.release(isLost);
      }
    } catch (error) {
      throw asSchemaError(error, this.#options.hasAdminConnection);
    }
  }

  /** The SQL that `apply` would run, without running it. */
  async plan(definitions: readonly AnyTable[]): Promise<string[]> {
    return this.withAdmin(async (client) => {
      const live = await this.#readLive(client, definitions);
      const tables = this.#describe(definitions, live);
      const parts = await this.#ownParts(client, tables);
      const plan = await flatten(this.#plans(client, tables, parts, live));
      return plan.length > 0 && this.#options.isDistributed ? [...DISTRIBUTED_DDL, ...plan] : plan;
    });
  }

  /** In the order in which `apply` runs them. */
  async *#plans(
    client: pg.ClientBase,
    tables: readonly RegisteredTable[],
    parts: readonly SchemaPart[],
    live: LiveTables,
  ): SchemaPlan {
    yield await this.#planFoundation(client);
    yield await this.#planTables(client, tables, live);
    await this.#setServiceRole(client);
    yield* this.#plansOf(parts, client, tables);
  }

  async *#plansOf(parts: readonly SchemaPart[], client: pg.ClientBase, tables: readonly RegisteredTable[]): SchemaPlan {
    for (const part of parts) {
      yield await part.plan(client, tables);
      yield await this.#planAccess(client, part, tables);
    }
  }

  /** The statements that the framework's parts would run for these tables. */
  async planParts(client: pg.ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> {
    return flatten(this.#plansOf(await this.#ownParts(client, tables), client, tables));
  }

  /** Runs in a transaction of the admin login, in which no other process registers. */
  withAdmin<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#connection.use((transaction) => transaction('change', run));
  }

  async #describeExisting(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<RegisteredTable[]> {
    const { schemaName } = this.#options;
    const names = definitions.map(({ name }) => name);
    const live = await this.#readLive(client, definitions);
    const missing = names.filter((name) => !live.has(name));
    if (missing.length === 0) return this.#describe(definitions, live);
    throw new ConfigurationError(
      `register: schema ${schemaName} has no table ${missing.join(', ')}; apply the schema first, e.g. with "intendant schema --apply", or leave out schemaChanges: 'none'`,
      { details: { tables: missing } },
    );
  }

  #describe(definitions: readonly AnyTable[], live: LiveTables): RegisteredTable[] {
    const { schemaName, hasInstancer, isDistributed } = this.#options;
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

  async #readLive(client: pg.ClientBase, definitions: readonly AnyTable[]): Promise<LiveTables> {
    const { schemaName, isDistributed, hasCitus } = this.#options;
    const live = new Map<string, LiveTable>();
    const bySchema = Map.groupBy(definitions, (definition) => schemaOf(definition, schemaName));
    for (const [schema, tables] of bySchema) {
      const names = tables.map(({ name }) => name);
      for (const [name, table] of await readLiveTables(client, schema, names)) live.set(name, table);
    }
    if (hasCitus && !isDistributed) await refuseDistributedTables(client, schemaName, definitions);
    return isDistributed ? withShardSizes(client, schemaName, live) : live;
  }

  async #planFoundation(client: pg.ClientBase): Promise<string[]> {
    const { schemaName, roleName, loginName, isDistributed } = this.#options;
    return planFoundation(client, schemaName, roleName, await loginName(), isDistributed);
  }

  async #planTables(client: pg.ClientBase, tables: readonly RegisteredTable[], live: LiveTables): Promise<string[]> {
    const { roleName } = this.#options;
    const plan: string[] = [];
    for (const table of tables) {
      const stored = live.get(table.name);
      const facts = {
        filled: await readRowFacts(client, table, stored, roleName('reader')),
        otherDefaults: await readDefaults(client, table, stored),
      };
      plan.push(...planTable(table, stored, facts, roleName));
    }
    plan.push(...(await planDistribution(client, tables, live)));
    return [...plan, ...(await planReferences(client, this.#options.schemaName, tables, live))];
  }

  /** Sends the statements as one message, so that they do not wait for each other's way over the network. Citus gets them one by one. */
  async #execute(client: pg.ClientBase, statements: readonly string[]): Promise<void> {
    const { logger, isDistributed } = this.#options;
    if (statements.length === 0) return;
    for (const statement of statements) logger.debug({ sql: statement.slice(0, 200) }, 'changing the schema');
    for (const sql of isDistributed ? statements : [statements.join('\n;\n')]) await client.query(sql);
  }
}

async function flatten(plan: SchemaPlan): Promise<string[]> {
  const statements: string[] = [];
  for await (const step of plan) statements.push(...step);
  return statements;
}

/** PUBLIC cannot grant its rights to others. */
const mayCascade = (statement: string): boolean =>
  statement.startsWith('revoke ') && !statement.endsWith(' from public cascade');
