import type { AnyTable, Authorizer, ConnectionSource, Instancer, MetadataContext, RoleMapping } from '@intendant/core';
import type { SourceKind } from '@intendant/subscription';

/** What `intendant.config.ts` exports by default. Every field may be left out; flags and the environment go first. */
export interface IntendantConfig<C = MetadataContext> {
  /** Tables whose resources are realized. Default: those with status tables in the database. */
  readonly tables?: readonly AnyTable[];
  /** Tables of the store that are not realized. Default: the others in the database that the store's roles may use. */
  readonly plainTables?: readonly AnyTable[];
  /** The application login. Overridden by `--url` and `DATABASE_URL`. */
  readonly connection?: ConnectionSource;
  /**
   * A login that may change the schema and read the catalogs; for `schema`, `doctor` and `points`. Overridden by
   * `--admin-url` and `ADMIN_DATABASE_URL`. Default: the application login.
   */
  readonly adminConnection?: ConnectionSource;
  /** For whom commands act: they see and change what this context may. Default: the whole service, as its writer. */
  readonly context?: C;
  /** Reads org and roles from `context`, and signs callers in to the console. Default: a `MetadataAuthorizer`. */
  readonly authorizer?: Authorizer<C>;
  /** As the service's store has it. Default none. */
  readonly instancer?: Instancer<NoInfer<C>>;
  /** Which service roles act as which database role on these tables. */
  readonly roles?: RoleMapping;
  /** Schema of the tables. Overridden by `--schema`. Default `public`. */
  readonly schema?: string;
  /** What the names of the database roles begin with. Default: as found in the database, else `intendant_` and its name. */
  readonly rolePrefix?: string;
  /** Whether `schema --apply` installs the feed. Default true. */
  readonly feed?: boolean;
  /** How changes get into the feed's log. Default `triggers`. */
  readonly source?: SourceKind;
  /** Tables whose changes carry the row. Default none. */
  readonly records?: readonly (string | AnyTable)[];
}

/**
 * Gives `intendant.config.ts`, which exports the result by default, its types; returns what it is given.
 *
 * ```ts
 * import { defineConfig } from 'intendant';
 *
 * const config = defineConfig({ connection: 'postgres://app@localhost/app', tables: [vm] });
 * ```
 */
export const defineConfig = <C = MetadataContext>(config: IntendantConfig<C>): IntendantConfig<C> => config;
