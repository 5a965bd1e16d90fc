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

/** What sibling packages use of a store. */
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
  /** What this context may do on these tables; throws OperationNotAllowedError, MissingContextError, MissingOrgIdError. */
  scopeOf(context: unknown, tables: readonly RegisteredTable[]): Scope;
  /**
   * A signal that aborts, with an InvalidTokenError as its reason, when the context ends: at its expiry, or when the
   * authorizer no longer takes it for valid, which is asked again at each `recheckMs` (default 30,000). `end` it afterwards.
   */
  watchContext(context: unknown, recheckMs?: number): ContextWatch;
  /** Runs behind register's lock, in one admin transaction, with its login known to have every right. */
  withAdmin<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** Plans with every later register, and now for the tables registered so far. Adding a part twice is harmless. */
  addSchemaPart(part: SchemaPart): Promise<void>;
  /** What the framework's parts would run for the tables registered so far. */
  planParts(client: pg.ClientBase): Promise<string[]>;
  /** Runs in a transaction of its own under the service role, for rare work on the framework's own tables. */
  inServiceTransaction<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** A session that acts under this scope whatever the authorizer would say: for workers and relays. */
  sessionFor(scope: Scope): Session;
  /** A transaction under this scope. */
  transactionFor<T>(scope: Scope, run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Refuses, from now on, what sessions of this store want to change in the table, unless they say `bypassRealization`. */
  refuseChanges(table: AnyTable, refusal: ChangeRefusal): void;
  /** Throws OperationNotAllowedError where changes are refused. */
  checkChange(table: RegisteredTable, verb: ChangingVerb): void;
  /** Runs before the store's pool ends; for parts that live on it. */
  onClose(hook: () => Promise<void>): void;
}

const stores = new WeakMap<object, DataStoreInternals>();

/** Throws ConfigurationError for what is not a data store of this copy of the package. */
export function internalsOf(store: object): DataStoreInternals {
  const internals = stores.get(store);
  if (internals) return internals;
  throw new ConfigurationError(
    'the store was not made by createDataStore of this copy of @intendant/core; if `npm ls @intendant/core` lists several copies, install one version of all Intendant packages',
  );
}

export const exposeStore = (store: object, internals: DataStoreInternals): void => void stores.set(store, internals);
