import type pg from 'pg';
import type { Logger } from 'pino';
import type { Scope, StoreRole } from './context/scope.ts';
import type { ContextWatch } from './context/watch-context.ts';
import type { DataStore } from './data-store-api.ts';
import { ConfigurationError } from './error/intendant-error.ts';
import type { Executor } from './exchange/executor.ts';
import type { StoreExchange } from './exchange/store-exchange.ts';
import type { SchemaPart } from './schema/schema-part.ts';
import type { ChangeRefusal, ChangingVerb } from './session/changing-verb.ts';
import type { Session } from './session/session.ts';
import type { Transaction, TransactionOptions } from './session/transaction.ts';
import type { AnyTable } from './table/record-types.ts';
import type { RegisteredTable } from './table/registered-table.ts';

/** What sibling packages may use of a store. */
export interface DataStoreInternals {
  readonly store: DataStore;
  /** Schema of the users' tables. */
  readonly schemaName: string;
  readonly logger: Logger;
  /** The application login's pool. */
  readonly pool: pg.Pool;
  /** The options of a client of the application login, for parts that hold a connection of their own. */
  readonly connection: pg.ClientConfig;
  readonly adminConnection: pg.ClientConfig;
  readonly hasInstancer: boolean;
  /** Whether the store's tables are distributed over several servers. */
  readonly isDistributed: boolean;
  readonly exchange: StoreExchange;
  /** Runs each list of statements in a transaction of its own. */
  readonly executor: Executor;
  /** The application login's name in the database. */
  loginName(): Promise<string>;
  /** A role's name in this database, prefixed, e.g. `intendant_mydb_tenant_reader`. */
  roleName(role: StoreRole): string;
  /** Throws TableNotRegisteredError. */
  table(nameOrDefinition: string | AnyTable): RegisteredTable;
  tables(): readonly RegisteredTable[];
  /** What this context may do on these tables. Throws OperationNotAllowedError, MissingContextError, MissingOrgIdError. */
  scopeOf(context: unknown, tables: readonly RegisteredTable[]): Scope;
  /**
   * A signal that aborts, with an InvalidTokenError as its reason, when the context ends: at its expiry, or when the
   * authorizer no longer accepts it, which is checked every `recheckMs` (default 30,000). Call `end` when the signal
   * is no longer needed.
   */
  watchContext(context: unknown, recheckMs?: number): ContextWatch;
  /** Runs in one transaction of the admin login, under the lock of `register`, after a check that the login has every right. */
  withAdmin<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** Adds the part's objects to every later `register`. Adding a part again has no effect. */
  addSchemaPart(part: SchemaPart): void;
  /** Creates what is missing for the tables and parts registered so far. */
  applySchema(): Promise<void>;
  /** Returns the SQL that the framework's parts would run for the tables registered so far. */
  planParts(client: pg.ClientBase): Promise<string[]>;
  /** Runs in its own transaction under the service role. For infrequent work on the framework's own tables. */
  inServiceTransaction<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** A session that acts under this scope, without asking the authorizer: for workers and relays. */
  sessionFor(scope: Scope): Session;
  /** A transaction under this scope. */
  transactionFor<T>(scope: Scope, run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Makes later changes of the table by this store's sessions fail, except those with `bypassRealization`. */
  refuseChanges(table: AnyTable, refusal: ChangeRefusal): void;
  /** Throws OperationNotAllowedError for a table whose changes are refused. */
  checkChange(table: RegisteredTable, verb: ChangingVerb): void;
  /** Registers a function that runs before the store's pool is closed, for parts that use the pool. */
  onClose(hook: () => Promise<void>): void;
}

const stores = new WeakMap<object, DataStoreInternals>();

/** Throws ConfigurationError for a value that is not a data store of this copy of the package. */
export function internalsOf(store: object): DataStoreInternals {
  const internals = stores.get(store);
  if (internals) return internals;
  throw new ConfigurationError(
    'the store was not made by createDataStore of this copy of @intendant/core; if `npm ls @intendant/core` lists several copies, install one version of all Intendant packages',
  );
}

export const exposeStore = (store: object, internals: DataStoreInternals): void => void stores.set(store, internals);
