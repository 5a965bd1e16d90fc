import type { Logger } from 'pino';
import type { ConnectionSource } from './configuration.ts';
import type { Authorizer, Instancer, RoleMapping } from './context/authorizer.ts';
import type { MetadataContext } from './context/metadata-authorizer.ts';
import type { Distribution } from './distribution.ts';
import type { PoolOptions, PoolStats } from './exchange/pool.ts';
import type { RootSession } from './session/root-session.ts';
import type { AnyTable } from './table/record-types.ts';

/** How `createDataStore` opens a store. */
export interface DataStoreOptions<C = MetadataContext> {
  /** The application login. It needs no rights: `register` grants it the eight roles. */
  readonly connection: ConnectionSource;
  /** A login that may create roles, schemas and tables. Only `register` and similar calls use it. Default: `connection`. */
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
  /** Prefix of the eight roles. Default `intendant_` and the name of the database. */
  readonly rolePrefix?: string;
  /**
   * `citus()` distributes the tables over the nodes of a Citus cluster. Every store of a database must say the same. Default
   * none: the database is one server.
   */
  readonly distribution?: Distribution | undefined;
  /** Size and time limits of the connection pool. Default: 10 connections. */
  readonly pool?: PoolOptions;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** How `register` maps service roles. */
export interface RegisterOptions {
  /**
   * The database role of each service role on these tables. A caller with none of these service roles may do nothing
   * there. Default: the authorizer decides.
   */
  readonly roles?: RoleMapping;
}

/** The tables of one database, used by callers of many orgs. */
export interface DataStore<C = MetadataContext> extends AsyncDisposable {
  /**
   * Prepares the database for these tables: creates missing objects, adds columns, and corrects policies, rights and
   * triggers. Idempotent. Many processes may call it at once.
   *
   * With `schemaChanges: 'none'` it changes nothing in the database.
   *
   * Throws ConfigurationError for a change that would lose data, with the exact difference, and with
   * `schemaChanges: 'none'` for a table that is not in the database.
   */
  register(tables: readonly AnyTable[], options?: RegisterOptions): Promise<void>;
  /** Returns the SQL that `register` would run for these tables (default: those registered), without running it. */
  planSchema(tables?: readonly AnyTable[]): Promise<string[]>;
  /** Returns a session with the rights of the context. It needs no round trip: make one for each request. */
  as(context: C): RootSession;
  /** Returns the number of open and idle connections of this process, and of operations that wait for one. */
  stats(): PoolStats;
  /** Waits for running operations, then closes all connections. May be called twice. */
  close(): Promise<void>;
}
