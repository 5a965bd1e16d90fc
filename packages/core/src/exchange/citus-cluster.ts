import type pg from 'pg';
import { ConfigurationError } from '../error/intendant-error.ts';
import { requireCitus } from '../option/required-versions.ts';

interface Cluster {
  /** 0 on the coordinator. */
  readonly group: number;
  /** Nodes that may hold shards. */
  readonly nodeCount: number;
}

const CLUSTER = `
  select
    (select groupid from pg_catalog.pg_dist_local_group) as "group",
    (select count(*)::int from pg_catalog.pg_dist_node where noderole = 'primary' and isactive and shouldhaveshards) as "nodeCount"`;

/** Throws ConfigurationError if the connection does not lead to a coordinator of Citus with nodes. */
export async function checkCluster(pool: pg.Pool, database: string): Promise<void> {
  const { rows } = await pool.query<{ version: string }>(
    `select extversion as version from pg_catalog.pg_extension where extname = 'citus'`,
  );
  if (rows[0] === undefined)
    throw new ConfigurationError(
      `createDataStore: distribution is citus(), and database ${database} has no Citus: run create extension citus in it, on every node, or leave out distribution`,
    );
  requireCitus(rows[0].version);
  checkNodes((await pool.query<Cluster>(CLUSTER)).rows[0] as Cluster);
}

function checkNodes({ group, nodeCount }: Cluster): void {
  if (group !== 0)
    throw new ConfigurationError(
      'createDataStore: the connection leads to a worker node of Citus: give the address of the coordinator',
    );
  if (nodeCount > 0) return;
  throw new ConfigurationError(
    `createDataStore: the coordinator of Citus has no nodes: run select citus_set_coordinator_host('its-address') and, for each worker, select citus_add_node('address', 5432)`,
  );
}
