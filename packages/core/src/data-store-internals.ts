import type pg from 'pg';
import type { Logger } from 'pino';
import type { Scope, StoreRole } from './context/scope.ts';
import type { DataStore } from './data-store.ts';
import { ConfigurationError } from './error/intendant-error.ts';
import type { Executor } from './exchange/executor.ts';
import type { ResultSet, StatementSet } from './exchange/statement-set.ts';
import type { StoreExchange } from './exchange/store-exchange.ts';
import type { SchemaPart } from './schema/schema-part.ts';
import type { Session } from './session/session.ts';
import type { Transaction, TransactionOptions } from './session/transaction.ts';
import type { AnyTable } from './table/record-types.ts';
import type { RegisteredTable } from './table/registered-table.ts';

/** A store from the inside. */
export interface DataStoreInternals {
  readonly store: DataStore;
  /** Schema of the users' tables. */
  readonly schemaName: string;
  readonly logger: Logger;
  /** The application login's pool. */
  readonly pool: pg.Pool;
  /** What a client of the application login is made from: for parts that hold a connection of their own. */
  readonly connection: pg.ClientConfig;
  readonly adminConnection: pg.ClientConfig;
  readonly hasInstancer: boolean;
  readonly exchange: StoreExchange;
  /** Each statement list a transaction of its own. */
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
  /** Runs behind register's lock, in one admin transaction, with its login known to have every right. */
  withAdmin<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** Plans with every later register, and now for the tables registered so far. Adding a part twice is harmless. */
  addSchemaPart(part: SchemaPart): Promise<void>;
  /** Runs in a transaction of its own under the service role, for rare work on the framework's own tables. */
  inServiceTransaction<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  /** A session that acts under this scope whatever the authorizer would say: for workers and relays. */
  sessionFor(scope: Scope): Session;
  /** A transaction under this scope. */
  transactionFor<T>(scope: Scope, run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Runs before the store's pool ends; for parts that live on it. */
  onClose(hook: () => Promise<void>): void;
}

/** A session, or a transaction, from the inside. */
export interface SessionInternals {
  readonly store: DataStore;
  /** Runs in the session's transaction if it is one. Under `serviceScope` it reaches the framework's own tables. */
  readonly executor: Executor;
  readonly isTransaction: boolean;
  /** The scope for an operation on these tables. */
  scopeFor(tables: readonly RegisteredTable[]): Scope;
  /**
   * Runs statements as the login itself. To be replaced by `executor.run(serviceScope, statements)`: the framework's
   * tables will belong to the service role, and the login will have no right on them. Only inside a transaction.
   */
  readonly loginExecutor: {
    run<Statements extends StatementSet>(statements: Statements): Promise<ResultSet<Statements>>;
  };
}

const stores = new WeakMap<DataStore, DataStoreInternals>();
const sessions = new WeakMap<Session, SessionInternals>();

export const internalsOf = (store: DataStore): DataStoreInternals => found(stores.get(store), 'data store');
export const sessionInternalsOf = (session: Session): SessionInternals => found(sessions.get(session), 'session');

export const exposeStore = (store: DataStore, internals: DataStoreInternals): void => void stores.set(store, internals);
export const exposeSession = (session: Session, internals: SessionInternals): void =>
  void sessions.set(session, internals);

function found<T>(value: T | undefined, noun: string): T {
  if (value === undefined) {
    throw new ConfigurationError(`expected a ${noun} of @intendant/core, of the same copy of the package`);
  }
  return value;
}
