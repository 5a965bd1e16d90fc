import type pg from 'pg';
import { type Logger, pino } from 'pino';
import { type ConnectionSource, readConnection } from './configuration.ts';
import type { Authorizer, Instancer, RoleMapping } from './context/authorizer.ts';
import { isDbRole } from './context/db-role.ts';
import { MetadataAuthorizer, type MetadataContext } from './context/metadata-authorizer.ts';
import { resolveScope } from './context/resolve-scope.ts';
import type { Scope, StoreRole } from './context/scope.ts';
import { type DataStoreInternals, exposeStore } from './data-store-internals.ts';
import { ConfigurationError, TableNotRegisteredError } from './error/intendant-error.ts';
import { translateError } from './error/sqlstate.ts';
import { type OpenedPool, openExchange } from './exchange/open-exchange.ts';
import type { PoolOptions, PoolStats } from './exchange/pool.ts';
import { PoolExecutor } from './exchange/pool-executor.ts';
import { localSettings } from './exchange/scope-settings.ts';
import { inServiceTransaction } from './exchange/service-transaction.ts';
import type { StoreExchange } from './exchange/store-exchange.ts';
import { roleNames } from './schema/roles.ts';
import { SchemaKeeper } from './schema/schema-keeper.ts';
import { RootSession } from './session/root-session.ts';
import { runTransaction } from './session/run-transaction.ts';
import { sessionParts } from './session/session-parts.ts';
import type { TransactionScopes } from './session/transaction.ts';
import type { AnyTable } from './table/record-types.ts';
import type { RegisteredTable } from './table/registered-table.ts';

export interface DataStoreOptions<C = MetadataContext> {
  /** The application login. It needs no rights of its own: register gives it the eight roles. */
  readonly connection: ConnectionSource;
  /** A login that may create roles, schemas and tables; used by register (and the like) alone. Default: `connection`. */
  readonly adminConnection?: ConnectionSource;
  /** Reads org and roles from a context. Default: a `MetadataAuthorizer`. */
  readonly authorizer?: Authorizer<C>;
  /** Reads the instance from a context. Default none: `instance_id` is then an ordinary column. */
  readonly instancer?: Instancer<NoInfer<C>>;
  /** Schema of the users' tables. Default `public`. */
  readonly schema?: string;
  /**
   * Whether `register` changes the database. `none`: it runs no DDL, takes the tables as they are and needs no admin
   * rights; for services whose schema was applied beforehand (`intendant schema --apply`), and for tools. Default `apply`.
   */
  readonly schemaChanges?: 'apply' | 'none';
  /** What the names of the eight roles begin with. Default `intendant_` and the database's name. */
  readonly rolePrefix?: string;
  readonly pool?: PoolOptions;
  /** Default: silent. */
  readonly logger?: Logger;
}

export interface RegisterOptions {
  /**
   * Which service roles act as which database role on these tables. A caller with none of them may then do nothing
   * there. Default: as the authorizer decides without a mapping.
   */
  readonly roles?: RoleMapping;
}

/** The tables of one database, for callers of many orgs. */
export interface DataStore<C = MetadataContext> extends AsyncDisposable {
  /**
   * Makes the database ready for these tables: creates what is missing, adds columns, brings policies, rights and
   * triggers to what they should be. Idempotent, and safe from many processes at once.
   *
   * With `schemaChanges: 'none'` it changes nothing in the database.
   *
   * Throws ConfigurationError for a change that would lose data, with the exact difference, and with
   * `schemaChanges: 'none'` for a table that is not in the database.
   */
  register(tables: readonly AnyTable[], options?: RegisterOptions): Promise<void>;
  /** The SQL that `register` would run for these tables (default: those registered), without running it. */
  planSchema(tables?: readonly AnyTable[]): Promise<string[]>;
  /** The store seen with this context's eyes. Costs nothing: make one for each request. */
  as(context: C): RootSession;
  stats(): PoolStats;
  /** Closes all connections once what is under way is done. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens a store. One connection is tried, so that a wrong address or password shows now.
 *
 * Throws ConfigurationError or ConnectionError.
 */
export async function createDataStore<C = MetadataContext>(options: DataStoreOptions<C>): Promise<DataStore<C>> {
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
  #roleName: (role: StoreRole) => string = (role) => role;
  #loginName = '';
  #keeper!: SchemaKeeper;
  #internals!: DataStoreInternals;
  #closing: Promise<void> | undefined;

  constructor(options: DataStoreOptions<unknown>) {
    if (typeof options !== 'object' || options === null)
      throw new ConfigurationError('createDataStore: give at least a connection');
    checkSchemaChanges(options.schemaChanges);
    this.#options = options;
    this.#authorizer = options.authorizer ?? (new MetadataAuthorizer() as Authorizer<unknown>);
    this.#instancer = options.instancer;
    this.#logger = options.logger ?? pino({ level: 'silent' });
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
      roleName: this.#roleName,
      loginName: async () => this.#loginName,
      logger: this.#logger,
    });
    this.#internals = this.#makeInternals(opened);
    exposeStore(this as unknown as DataStore, this.#internals);
  }

  async #openExchange(): Promise<OpenedPool> {
    try {
      return await openExchange(this.#connection, this.#options.pool ?? {}, this.#logger);
    } catch (error) {
      throw translateError(error, { operation: 'createDataStore' });
    }
  }

  get #schemaName(): string {
    return this.#options.schema ?? 'public';
  }

  #makeInternals({ pool, connection, settings }: OpenedPool): DataStoreInternals {
    const exchange: StoreExchange = {
      pool,
      connection,
      settings: localSettings(this.#roleName, settings),
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
      exchange,
      executor: new PoolExecutor(exchange),
      loginName: async () => this.#loginName,
      roleName: this.#roleName,
      table: (nameOrDefinition) => this.#table(nameOrDefinition),
      tables: () => [...this.#tables.values()],
      scopeOf: (context, tables) => resolveScope(this.#authorizer, this.#instancer, context, tables),
      withAdmin: (run) => this.#keeper.withAdmin(run),
      addSchemaPart: async (part) => {
        this.#keeper.addPart(part);
        await this.#applySchema(this.#internals.tables().map(({ definition }) => definition));
      },
      inServiceTransaction: (run) => inServiceTransaction(exchange, run),
      sessionFor: (scope) =>
        this.#sessionFor(
          () => scope,
          () => scope,
        ),
      transactionFor: (scope, run, options) =>
        runTransaction(this.#internals, { initial: () => scope, forTable: () => scope }, run, options ?? {}),
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
    if (!Array.isArray(tables)) throw new ConfigurationError('register: give a list of tables');
    for (const [role, dbRole] of Object.entries(options.roles ?? {})) {
      if (!isDbRole(dbRole))
        throw new ConfigurationError(
          `register: role ${role} maps to ${JSON.stringify(dbRole)}, which is no database role`,
        );
    }
    await this.#applySchema(tables);
    if (options.roles) for (const { name } of tables) this.#authorizer.configure(name, options.roles);
  }

  async #applySchema(definitions: readonly AnyTable[]): Promise<void> {
    const tables =
      this.#options.schemaChanges === 'none'
        ? await this.#keeper.describe(this.#pool, definitions)
        : await this.#keeper.apply(definitions);
    for (const table of tables) this.#tables.set(table.name, table);
  }

  planSchema(tables?: readonly AnyTable[]): Promise<string[]> {
    return this.#keeper.plan(tables ?? this.#internals.tables().map(({ definition }) => definition));
  }

  as(context: unknown): RootSession {
    const scopeFor = (tables: readonly RegisteredTable[]) =>
      resolveScope(this.#authorizer, this.#instancer, context, tables);
    return this.#sessionFor(scopeFor, (tables) =>
      scopeFor(tables ? tables.map((table) => this.#table(table)) : this.#internals.tables()),
    );
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

  async #close(): Promise<void> {
    for (const hook of this.#closeHooks.toReversed()) await hook();
    await this.#pool.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function checkSchemaChanges(given: unknown): void {
  if (given === undefined || given === 'apply' || given === 'none') return;
  throw new ConfigurationError(`createDataStore: schemaChanges must be 'apply' or 'none'`);
}
