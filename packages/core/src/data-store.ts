import type pg from 'pg';
import type { Logger } from 'pino';
import { guardLogger } from './background/guard-logger.ts';
import { readConnection } from './configuration.ts';
import type { Authorizer, Instancer } from './context/authorizer.ts';
import { isDbRole } from './context/db-role.ts';
import { MetadataAuthorizer, type MetadataContext } from './context/metadata-authorizer.ts';
import { resolveScope } from './context/resolve-scope.ts';
import type { Scope, StoreRole } from './context/scope.ts';
import { watchContext } from './context/watch-context.ts';
import type { DataStore, DataStoreOptions, RegisterOptions } from './data-store-api.ts';
import { type DataStoreInternals, exposeStore } from './data-store-internals.ts';
import { checkDistribution } from './distribution.ts';
import { ConfigurationError, OperationNotAllowedError, TableNotRegisteredError } from './error/intendant-error.ts';
import { translateError } from './error/sqlstate.ts';
import { citusSettings } from './exchange/citus-settings.ts';
import { type OpenedPool, openExchange } from './exchange/open-exchange.ts';
import { type PoolOptions, type PoolStats, storeClosed } from './exchange/pool.ts';
import { PoolExecutor } from './exchange/pool-executor.ts';
import { localSettings } from './exchange/scope-settings.ts';
import { inServiceTransaction } from './exchange/service-transaction.ts';
import type { StoreExchange } from './exchange/store-exchange.ts';
import { checkCount } from './option/check-count.ts';
import { checkDuration } from './option/check-duration.ts';
import { checkOptions, type OptionNames } from './option/check-options.ts';
import { requireNode } from './option/required-versions.ts';
import { roleNames } from './schema/roles.ts';
import { SchemaKeeper } from './schema/schema-keeper.ts';
import { type ChangeRefusal, checkChange } from './session/changing-verb.ts';
import { RootSession } from './session/root-session.ts';
import { runTransaction } from './session/run-transaction.ts';
import { sessionParts } from './session/session-parts.ts';
import type { TransactionScopes } from './session/transaction.ts';
import { checkDefinition } from './table/define-table.ts';
import type { AnyTable } from './table/record-types.ts';
import type { RegisteredTable } from './table/registered-table.ts';

/**
 * Opens a store. Opens one connection, so that a wrong address or password is reported here.
 *
 * Throws ConfigurationError for options that are wrong, a Node.js older than 22.12 or a Postgres older than 15; else ConnectionError.
 */
export async function createDataStore<C = MetadataContext>(options: DataStoreOptions<C>): Promise<DataStore<C>> {
  requireNode();
  const store = new PostgresDataStore(options as DataStoreOptions<unknown>);
  await store.open();
  return store as unknown as DataStore<C>;
}

class PostgresDataStore implements DataStore<unknown> {
  readonly #authorizer: Authorizer<unknown>;
  readonly #instancer: Instancer<unknown> | undefined;
  readonly #options: DataStoreOptions<unknown>;
  readonly #logger: Logger;
  readonly #connection: pg.ClientConfig;
  readonly #adminConnection: pg.ClientConfig;
  #pool!: pg.Pool;
  readonly #tables = new Map<string, RegisteredTable>();
  readonly #closeHooks: (() => Promise<void>)[] = [];
  readonly #refusals = new Map<string, ChangeRefusal>();
  #roleName: (role: StoreRole) => string = (role) => role;
  #loginName = '';
  #keeper!: SchemaKeeper;
  #internals!: DataStoreInternals;
  #closing: Promise<void> | undefined;

  constructor(options: DataStoreOptions<unknown>) {
    if (typeof options !== 'object' || options === null)
      throw new ConfigurationError('createDataStore: the option connection is missing');
    checkStoreOptions(options);
    checkSchemaChanges(options.schemaChanges);
    checkDistribution(options.distribution);
    this.#options = options;
    this.#authorizer = options.authorizer ?? (new MetadataAuthorizer() as Authorizer<unknown>);
    this.#instancer = options.instancer;
    this.#logger = guardLogger(options.logger);
    this.#connection = readConnection('connection', options.connection);
    this.#adminConnection =
      options.adminConnection === undefined
        ? this.#connection
        : readConnection('adminConnection', options.adminConnection);
  }

  async open(): Promise<void> {
    const opened = await this.#openExchange();
    this.#pool = opened.pool;
    this.#loginName = opened.loginName;
    this.#roleName = roleNames(this.#options.rolePrefix ?? `intendant_${opened.databaseName}`);
    this.#keeper = new SchemaKeeper({
      adminConnection: this.#adminConnection,
      hasAdminConnection: this.#options.adminConnection !== undefined,
      schemaName: this.#schemaName,
      hasInstancer: this.#instancer !== undefined,
      isDistributed: this.#isDistributed,
      hasCitus: opened.hasCitus,
      roleName: this.#roleName,
      loginName: async () => this.#loginName,
      logger: this.#logger,
    });
    this.#internals = this.#makeInternals(opened);
    exposeStore(this as unknown as DataStore, this.#internals);
  }

  async #openExchange(): Promise<OpenedPool> {
    try {
      return await openExchange(this.#connection, this.#options.pool ?? {}, {
        isDistributed: this.#isDistributed,
        logger: this.#logger,
      });
    } catch (error) {
      throw translateError(error, { operation: 'createDataStore' });
    }
  }

  get #isDistributed(): boolean {
    return this.#options.distribution !== undefined;
  }

  get #schemaName(): string {
    return this.#options.schema ?? 'public';
  }

  #makeInternals({ pool, connection, settings }: OpenedPool): DataStoreInternals {
    const exchange: StoreExchange = {
      pool,
      connection,
      settings: (this.#isDistributed ? citusSettings : localSettings)(this.#roleName, settings),
      usesNamedStatements: this.#options.pool?.namedStatements ?? true,
      logger: this.#logger,
    };
    return {
      store: this as unknown as DataStore,
      schemaName: this.#schemaName,
      logger: this.#logger,
      pool,
      connection,
      adminConnection: this.#adminConnection,
      hasInstancer: this.#instancer !== undefined,
      isDistributed: this.#isDistributed,
      exchange,
      executor: new PoolExecutor(exchange),
      loginName: async () => this.#loginName,
      roleName: this.#roleName,
      table: (nameOrDefinition) => this.#table(nameOrDefinition),
      tables: () => [...this.#tables.values()],
      watchContext: (context, recheckMs) => watchContext(this.#authorizer, context, recheckMs),
      scopeOf: (context, tables) => resolveScope(this.#authorizer, this.#instancer, context, tables),
      withAdmin: (run) => this.#keeper.withAdmin(run),
      addSchemaPart: (part) => this.#keeper.addPart(part),
      applySchema: () => this.#applySchema(this.#internals.tables().map(({ definition }) => definition)),
      planParts: (client) => this.#keeper.planParts(client, this.#internals.tables()),
      inServiceTransaction: (run) => inServiceTransaction(exchange, run),
      sessionFor: (scope) =>
        this.#sessionFor(
          () => scope,
          () => scope,
        ),
      transactionFor: (scope, run, options) =>
        runTransaction(this.#internals, { initial: () => scope, forTable: () => scope }, run, options ?? {}),
      refuseChanges: (table, refusal) => void this.#refusals.set(table.name, refusal),
      checkChange: (table, verb) => checkChange(this.#refusals, table, verb),
      onClose: (hook) => void this.#closeHooks.push(hook),
    };
  }

  #table(nameOrDefinition: string | AnyTable): RegisteredTable {
    const name = typeof nameOrDefinition === 'string' ? nameOrDefinition : nameOrDefinition?.name;
    const table = this.#tables.get(name);
    if (table) return table;
    throw new TableNotRegisteredError(
      `table ${JSON.stringify(name)} is not registered with this store; call store.register first`,
      {
        details: { table: name },
      },
    );
  }

  async register(tables: readonly AnyTable[], options: RegisterOptions = {}): Promise<void> {
    if (!Array.isArray(tables)) throw new ConfigurationError('register: pass a list of tables, as in register([vm])');
    checkOptions('register', options, { roles: true });
    for (const [role, dbRole] of Object.entries(options.roles ?? {})) {
      if (!isDbRole(dbRole))
        throw new ConfigurationError(
          `register: role ${role} maps to ${JSON.stringify(dbRole)}, which is not a database role`,
        );
    }
    await this.#applySchema(tables);
    if (options.roles) for (const { name } of tables) this.#authorizer.configure(name, options.roles);
  }

  async #applySchema(definitions: readonly AnyTable[]): Promise<void> {
    this.#checkOpen();
    for (const definition of definitions) checkDefinition('register', definition);
    const tables =
      this.#options.schemaChanges === 'none'
        ? await this.#keeper.describe(this.#pool, definitions)
        : await this.#keeper.apply(definitions);
    for (const table of tables) this.#tables.set(table.name, table);
  }

  async planSchema(tables?: readonly AnyTable[]): Promise<string[]> {
    this.#checkOpen();
    for (const definition of tables ?? []) checkDefinition('planSchema', definition);
    return this.#keeper.plan(tables ?? this.#internals.tables().map(({ definition }) => definition));
  }

  as(context: unknown): RootSession {
    const scopeFor = (tables: readonly RegisteredTable[]) =>
      resolveScope(this.#authorizer, this.#instancer, context, tables);
    return this.#sessionFor(scopeFor, (tables) =>
      scopeFor(tables ? tables.map((table) => this.#table(table)) : this.#usableTables(context)),
    );
  }

  /** The tables of a transaction without `tables`: those on which the context has a role. */
  #usableTables(context: unknown): readonly RegisteredTable[] {
    const registered = this.#internals.tables();
    const usable = registered.filter(({ name }) => this.#hasRole(context, name));
    if (usable.length > 0 || registered.length === 0) return usable;
    throw new OperationNotAllowedError(
      'transaction: the caller has no role on any table of the store, so there is no role for raw SQL; name tables that it may use, as in transaction(run, { tables: [vm] })',
    );
  }

  #hasRole(context: unknown, table: string): boolean {
    try {
      this.#authorizer.dbRole(context, [table]);
      return true;
    } catch (error) {
      if (error instanceof OperationNotAllowedError) return false;
      throw error;
    }
  }

  #sessionFor(
    scopeFor: (tables: readonly RegisteredTable[]) => Scope,
    initial: TransactionScopes['initial'],
  ): RootSession {
    const parts = sessionParts(this.#internals, this.#internals.executor, { scopeFor });
    return new RootSession(parts, this.#internals, { initial, forTable: scopeFor });
  }

  stats(): PoolStats {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw storeClosed();
  }

  async #close(): Promise<void> {
    for (const hook of this.#closeHooks.toReversed()) await hook();
    await Promise.all([this.#pool.end(), this.#keeper.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const STORE_OPTIONS: OptionNames<DataStoreOptions> = {
  connection: true,
  adminConnection: true,
  authorizer: true,
  instancer: true,
  schema: true,
  schemaChanges: true,
  rolePrefix: true,
  pool: true,
  distribution: true,
  logger: true,
};
const POOL_OPTIONS: OptionNames<PoolOptions> = {
  max: true,
  acquireTimeoutMs: true,
  statementTimeoutMs: true,
  idleTimeoutMs: true,
  namedStatements: true,
};
const MAX_TIMER_MS = 2 ** 31 - 1;

function checkStoreOptions(options: DataStoreOptions<unknown>): void {
  checkOptions('createDataStore', options as DataStoreOptions, STORE_OPTIONS);
  checkOptions('createDataStore, pool', options.pool, POOL_OPTIONS);
  const { max = 10, acquireTimeoutMs = 1, idleTimeoutMs = 1, statementTimeoutMs = 0 } = options.pool ?? {};
  checkCount('pool.max', max);
  checkDuration('pool.acquireTimeoutMs', acquireTimeoutMs, { max: MAX_TIMER_MS });
  checkDuration('pool.idleTimeoutMs', idleTimeoutMs, { max: MAX_TIMER_MS });
  checkDuration('pool.statementTimeoutMs', statementTimeoutMs, { min: 0, max: MAX_TIMER_MS });
}

function checkSchemaChanges(given: unknown): void {
  if (given === undefined || given === 'apply' || given === 'none') return;
  throw new ConfigurationError(`createDataStore: schemaChanges must be 'apply' or 'none'`);
}
