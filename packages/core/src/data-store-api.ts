import type { Logger } from 'pino';
import type { ConnectionSource } from './configuration.ts';
import type { Authorizer, Instancer, RoleMapping } from './context/authorizer.ts';
import type { MetadataContext } from './context/metadata-authorizer.ts';
import type { PoolOptions, PoolStats } from './exchange/pool.ts';
import type { RootSession } from './session/root-session.ts';
import type { AnyTable } from './table/record-types.ts';

/** How `createDataStore` opens a store. */
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
  /** Size and time limits of the connection pool. Default: 10 connections. */
  readonly pool?: PoolOptions;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** How `register` maps service roles. */
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
  /** Returns how many connections are open, idle and waited for, in this process. */
  stats(): PoolStats;
  /** Closes all connections once what is under way is done. May be called twice. */
  close(): Promise<void>;
}
