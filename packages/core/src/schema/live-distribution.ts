import type { ClientBase } from 'pg';
import type { LiveTable } from './live-schema.ts';

/** How Citus keeps a table. */
export interface LiveDistribution {
  readonly name: string;
  readonly kind: 'distributed' | 'reference' | 'local';
  /** The distribution column; null for tables without one. */
  readonly column: string | null;
  /** Tables with one number have the rows of an org on the same node. */
  readonly colocation: number;
}

/** https://docs.citusdata.com/en/stable/develop/api_metadata.html: `h` hash, `t` replicated by two-phase commit. */
const LIVE_DISTRIBUTION = `
  select c.relname as name, p.colocationid::int as colocation,
    case when p.partmethod <> 'n' then 'distributed' when p.repmodel = 't' then 'reference' else 'local' end as kind,
    case when p.partkey is not null then pg_catalog.column_to_column_name(p.logicalrelid, p.partkey) end as column
  from pg_catalog.pg_dist_partition p
  join pg_catalog.pg_class c on c.oid = p.logicalrelid::oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1
  order by p.colocationid, c.relname`;

/** All tables of the schema that Citus knows, in order of their colocation, by name. */
export async function readLiveDistribution(
  client: ClientBase,
  schemaName: string,
): Promise<ReadonlyMap<string, LiveDistribution>> {
  const { rows } = await client.query<LiveDistribution>(LIVE_DISTRIBUTION, [schemaName]);
  return new Map(rows.map((row) => [row.name, row]));
}

/** The size of the shards, where the table has some: on the coordinator a distributed table has no row. */
const SHARDS_EMPTY = `
  select c.relname as name, coalesce(pg_catalog.citus_relation_size(c.oid) = 0, false) as "isEmpty"
  from pg_catalog.pg_dist_partition p
  join pg_catalog.pg_class c on c.oid = p.logicalrelid::oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = any ($2)`;

/** The tables, with `isEmpty` as it is on the nodes. If a node cannot be reached, its tables are taken to have rows. */
export async function withShardSizes(
  client: ClientBase,
  schemaName: string,
  tables: ReadonlyMap<string, LiveTable>,
): Promise<Map<string, LiveTable>> {
  const isEmpty = await readShardSizes(client, schemaName, [...tables.keys()]);
  return new Map(
    [...tables].map(([name, table]) => [name, { ...table, isEmpty: table.isEmpty && isEmpty(name) }] as const),
  );
}

async function readShardSizes(
  client: ClientBase,
  schemaName: string,
  names: readonly string[],
): Promise<(name: string) => boolean> {
  if (names.length === 0) return () => true;
  await client.query('savepoint intendant_sizes');
  try {
    const { rows } = await client.query<{ name: string; isEmpty: boolean }>(SHARDS_EMPTY, [schemaName, names]);
    await client.query('release savepoint intendant_sizes');
    const sizes = new Map(rows.map(({ name, isEmpty }) => [name, isEmpty]));
    return (name) => sizes.get(name) ?? true;
  } catch {
    await client.query('rollback to savepoint intendant_sizes; release savepoint intendant_sizes');
    return () => false;
  }
}
