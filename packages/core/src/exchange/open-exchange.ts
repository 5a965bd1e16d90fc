import pg from 'pg';
import type { Logger } from 'pino';
import { requirePostgres } from '../option/required-versions.ts';
import { checkCluster } from './citus-cluster.ts';
import { openPool, type PoolOptions } from './pool.ts';
import { readSettingsToSet, type Setting, withValueSettings } from './value-settings.ts';

/** A pool whose connection was tested, with the properties of the server or pooler. */
export interface OpenedPool {
  readonly pool: pg.Pool;
  /** The options of the pool's clients. */
  readonly connection: pg.ClientConfig;
  readonly loginName: string;
  readonly databaseName: string;
  /** Whether the extension is in the database, with or without `distribution`. */
  readonly hasCitus: boolean;
  /** Settings to set in every transaction, because the pooler drops startup options. */
  readonly settings: readonly Setting[];
}

/** What the caller expects of the server. */
export interface ExpectedServer {
  /** Whether it is the coordinator of a Citus cluster. */
  readonly isDistributed: boolean;
  readonly logger: Logger;
}

/**
 * Opens the pool and tests one connection: first with startup options, and without them if they are refused, as poolers
 * do. Rejects with the driver's error, and then leaves nothing open.
 */
export async function openExchange(
  connection: pg.ClientConfig,
  options: PoolOptions,
  expected: ExpectedServer,
): Promise<OpenedPool> {
  try {
    return await tryPool(withValueSettings(connection, statementTimeout(options)), options, expected);
  } catch (error) {
    if (!refusesStartupOptions(error)) throw error;
    expected.logger.debug('startup options were refused: this is a pooler');
    return tryPool({ ...connection, client_encoding: 'UTF8' }, options, expected);
  }
}

interface ServerIdentity {
  readonly login: string;
  readonly database: string;
  readonly version: number;
  readonly hasCitus: boolean;
}

async function tryPool(
  connection: pg.ClientConfig,
  options: PoolOptions,
  { isDistributed, logger }: ExpectedServer,
): Promise<OpenedPool> {
  const pool = openPool(connection, options, logger);
  try {
    const { rows } = await pool.query<ServerIdentity>(
      `select current_user as login, current_database() as database, current_setting('server_version_num')::int as version,
         to_regclass('pg_catalog.pg_dist_partition') is not null as "hasCitus"`,
    );
    const { login, database, version, hasCitus } = rows[0] as ServerIdentity;
    requirePostgres(version);
    if (isDistributed) await checkCluster(pool, database);
    const settings = await readSettingsToSet(pool, statementTimeout(options));
    return { pool, connection, loginName: login, databaseName: database, hasCitus, settings };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

const statementTimeout = ({ statementTimeoutMs }: PoolOptions): Setting[] =>
  statementTimeoutMs ? [['statement_timeout', String(statementTimeoutMs)]] : [];

/**
 * PgBouncer reports "unsupported startup parameter: options" (08P01); other poolers have other texts. Problems with the
 * login, the database or the number of connections are not solved by omitting options.
 */
const refusesStartupOptions = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && !['28', '3D', '53', '57'].includes(error.code?.slice(0, 2) ?? '');
