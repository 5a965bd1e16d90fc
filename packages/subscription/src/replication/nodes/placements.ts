import type pg from 'pg';

interface Shard {
  readonly table_name: string;
  /** The first and the last hash value of its rows. */
  readonly low: number;
  readonly high: number;
  readonly group_id: number;
}

/** Where the shards are. */
export interface Placements {
  /** The highest number that a placement has. Each new place of a shard gets a higher one. */
  readonly highest: string;
  readonly shards: readonly Shard[];
}

/** A part of a table that was on one node at the last check and is on another now. */
export interface MovedPart {
  readonly tableName: string;
  readonly low: number;
  readonly high: number;
  readonly fromGroup: number;
  readonly toGroup: number;
}

const PLACEMENTS = `
select coalesce(max(p.placementid), 0)::text as highest,
  coalesce(jsonb_agg(jsonb_build_object('table_name', n.nspname || '.' || c.relname, 'low', s.shardminvalue::int,
    'high', s.shardmaxvalue::int, 'group_id', p.groupid)) filter (where t.partmethod = 'h'), '[]') as shards
from pg_catalog.pg_dist_placement p
join pg_catalog.pg_dist_shard s on s.shardid = p.shardid
join pg_catalog.pg_dist_partition t on t.logicalrelid = s.logicalrelid
join pg_catalog.pg_class c on c.oid = s.logicalrelid::oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace`;

/** SQL: the highest number of a placement. Reads one entry of an index. */
export const HIGHEST = '(select coalesce(max(placementid), 0) from pg_catalog.pg_dist_placement)';

const SHARDS = 'jsonb_to_recordset($1::jsonb) as s (table_name text, low int, high int, group_id int)';

const MOVED = `
select o.table_name as "tableName", greatest(o.low, s.low) as low, least(o.high, s.high) as high,
  o.group_id as "fromGroup", s.group_id as "toGroup"
from intendant.feed_shard o
join ${SHARDS} on s.table_name = o.table_name and s.low <= o.high and s.high >= o.low and s.group_id <> o.group_id`;

/** Whether a shard that was there at the last check was split, or its table was distributed anew. */
const IS_SPLIT = `
select exists (
  select from intendant.feed_shard o
  where o.table_name in (select table_name from ${SHARDS})
    and not exists (select from ${SHARDS} where s.table_name = o.table_name and s.low = o.low and s.high = o.high)
) as "isSplit"`;

/** Whether every number that was given since the last check is still that of a placement. */
const IS_WHOLE = `
select (select count(*) from pg_catalog.pg_dist_placement where placementid > f.placement_id and placementid <= $1::bigint)
  = $1::bigint - f.placement_id as "isWhole"
from intendant.feed_shards_seen f`;

export async function readHighest(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ highest: string }>(`select ${HIGHEST}::text as highest`);
  return rows[0]?.highest as string;
}

export async function readPlacements(client: pg.ClientBase): Promise<Placements> {
  const { rows } = await client.query<Placements>(PLACEMENTS);
  return rows[0] as Placements;
}

/** Returns what has moved since the last check. */
export async function readMoved(client: pg.ClientBase, { shards }: Placements): Promise<MovedPart[]> {
  const { rows } = await client.query<MovedPart>(MOVED, [JSON.stringify(shards)]);
  return rows;
}

/** Whether a shard was split since the last check. */
export async function isAnySplit(client: pg.ClientBase, { shards }: Placements): Promise<boolean> {
  const { rows } = await client.query<{ isSplit: boolean }>(IS_SPLIT, [JSON.stringify(shards)]);
  return rows[0]?.isSplit ?? false;
}

/** Whether each part has moved at most once since the last check. If not, the node in between is unknown. */
export async function hasEveryMove(client: pg.ClientBase, { highest }: Placements): Promise<boolean> {
  const { rows } = await client.query<{ isWhole: boolean }>(IS_WHOLE, [highest]);
  return rows[0]?.isWhole ?? true;
}

/** Stores what this check has seen. */
export async function storePlacements(client: pg.ClientBase, { highest, shards }: Placements): Promise<void> {
  await client.query('delete from intendant.feed_shards_seen');
  await client.query('insert into intendant.feed_shards_seen values ($1)', [highest]);
  await client.query('delete from intendant.feed_shard');
  await client.query(`insert into intendant.feed_shard select * from ${SHARDS}`, [JSON.stringify(shards)]);
}
