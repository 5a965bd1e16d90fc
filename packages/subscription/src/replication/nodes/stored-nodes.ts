import type pg from 'pg';
import { TRIMMED_BY_GAP } from '../../log/announce-schema.ts';
import type { StoredPlace } from '../slot.ts';
import type { Node } from './node.ts';

/** A node from which the log was filled, and which may have been removed since. */
export interface StoredNode extends Node {
  /** The position up to which the log was filled; null before the node's slot was created. */
  readonly lsn: string | null;
}

export async function readStoredNodes(client: pg.ClientBase): Promise<StoredNode[]> {
  const { rows } = await client.query<StoredNode>(
    `select group_id as "groupId", host, port, lsn::text as lsn from intendant.feed_node order by group_id`,
  );
  return rows;
}

export async function storeNode(client: pg.ClientBase, { groupId, host, port }: Node): Promise<void> {
  await client.query(
    `insert into intendant.feed_node (group_id, host, port) values ($1, $2, $3)
     on conflict (group_id) do update set host = excluded.host, port = excluded.port`,
    [groupId, host, port],
  );
}

export async function forgetNode(client: pg.ClientBase, { groupId }: Node): Promise<void> {
  await client.query('delete from intendant.feed_node where group_id = $1', [groupId]);
}

const HAS_SHARDS = `
exists (select from pg_catalog.pg_dist_placement p
  join pg_catalog.pg_dist_shard s on s.shardid = p.shardid
  join pg_catalog.pg_dist_partition t on t.logicalrelid = s.logicalrelid
  where p.groupid = $1 and t.partmethod = 'h')`;

/**
 * The place of a node, in a row of its own. If a node already has shards when its slot is created, and `isNew` says that the
 * feed was open before, then changes may be missing.
 */
export const placeOfNode = (
  log: pg.Client,
  { groupId }: Node,
  { isNew, onGap }: { isNew: boolean; onGap: () => void },
): StoredPlace => ({
  read: async () => {
    const { rows } = await log.query<{ lsn: string | null }>(
      'select lsn::text as lsn from intendant.feed_node where group_id = $1',
      [groupId],
    );
    return rows[0]?.lsn ?? null;
  },
  begin: async (lsn, isLost) => {
    const { rows } = await log.query<{ isLate: boolean }>(`select ${HAS_SHARDS} as "isLate"`, [groupId]);
    const isLate = isNew && rows[0]?.isLate === true;
    if (isLate && !isLost) onGap();
    await log.query(
      `with gap as (
         update intendant.change_log_identity set trimmed_seq = ${TRIMMED_BY_GAP} where $3
       )
       update intendant.feed_node set lsn = $2::pg_lsn where group_id = $1`,
      [groupId, lsn, isLost || isLate],
    );
  },
});
