import type {
  AnyTable,
  Authorizer,
  ConnectionSource,
  Distribution,
  Instancer,
  MetadataContext,
  RoleMapping,
} from '@intendant/core';
import type { SourceKind } from '@intendant/subscription';

/** The default export of `intendant.config.ts`. All fields are optional. Flags and environment variables override them. */
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
  /** The context that commands act with. Default: the whole service, with the role `writer`. */
  readonly context?: C;
  /** Reads org and roles from `context`, and signs callers in to the console. Default: a `MetadataAuthorizer`. */
  readonly authorizer?: Authorizer<C>;
  /** The instancer of the service's store. Default none. */
  readonly instancer?: Instancer<NoInfer<C>>;
  /** Which service roles act as which database role on these tables. */
  readonly roles?: RoleMapping;
  /** Schema of the tables. Overridden by `--schema`. Default `public`. */
  readonly schema?: string;
  /** Prefix of the database roles. Default: the one found in the database, else `intendant_` and the name of the database. */
  readonly rolePrefix?: string;
  /** How the tables are distributed, as in the service's store. Default: as they are in the database. `schema` needs it for tables on Citus. */
  readonly distribution?: Distribution;
  /** Whether `schema --apply` installs the feed. Default true. */
  readonly feed?: boolean;
  /** How changes get into the feed's log. Default `triggers`. */
  readonly source?: SourceKind;
  /** Tables whose changes contain the row. Default none. */
  readonly records?: readonly (string | AnyTable)[];
}

/**
 * Returns the given configuration, with its type checked. The default export of `intendant.config.ts`.
 *
 * ```ts
 * import { defineConfig } from 'intendant';
 *
 * const config = defineConfig({ connection: 'postgres://app@localhost/app', tables: [vm] });
 * ```
 */
export const defineConfig = <C = MetadataContext>(config: IntendantConfig<C>): IntendantConfig<C> => config;
