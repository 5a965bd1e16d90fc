import type { FrameworkTable, GrantsByRole } from '@intendant/core/internal';
import type { ClientBase } from 'pg';

/**
 * What the leader stores about the nodes of a Citus cluster.
 *
 * - `feed_node`: up to which position the log has the changes of each node.
 * - `feed_shard`: on which node each part of a distributed table was at the leader's last check; `feed_shards_seen`: the
 *   highest number of a placement that it saw.
 * - `shard_move`: parts of tables that have moved, while the log does not have all changes from the node that they left.
 * - `held_change`: changes from the node that a part moved to. They enter the log when those from the other node are in it.
 */
const NODE_SCHEMA = `
create table intendant.feed_node (group_id int primary key, host text not null, port int not null, lsn pg_lsn);
create table intendant.feed_shard (
  table_name text not null,
  low int not null,
  high int not null,
  group_id int not null,
  primary key (table_name, low)
);
create table intendant.feed_shards_seen (placement_id bigint not null);
create sequence intendant.shard_move_seq as bigint;
create table intendant.shard_move (
  id bigint not null default nextval('intendant.shard_move_seq') primary key,
  table_name text not null,
  low int not null,
  high int not null,
  from_group int not null,
  from_lsn pg_lsn not null,
  to_group int not null
);
create sequence intendant.held_change_seq as bigint;
create table intendant.held_change (
  id bigint not null default nextval('intendant.held_change_seq') primary key,
  move_id bigint not null references intendant.shard_move,
  table_name text not null,
  operation "char" not null,
  key text[] not null,
  org_id text,
  instance_id text,
  revision bigint,
  record jsonb,
  occurred_at timestamptz not null
);
`;

/** A feed that was filled from one server goes on from its place there. */
const TAKE_OVER = `
insert into intendant.feed_node (group_id, host, port, lsn)
select 0, '', 0, replicated_lsn from intendant.change_log_identity where replicated_lsn is not null`;

/** The tables and their rights: any process waits until the log has what is committed; only the leader does more. */
export const NODE_TABLES: readonly FrameworkTable[] = [
  { name: 'feed_node', service: ['select'] },
  { name: 'held_change', service: ['select'] },
  ...['feed_shard', 'feed_shards_seen', 'shard_move'].map((name) => ({ name, service: [] })),
];
export const NODE_SEQUENCES: Readonly<Record<string, GrantsByRole>> = { shard_move_seq: {}, held_change_seq: {} };

/** Returns the SQL that creates the tables about the nodes, if they are missing. */
export async function planNodes(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ isThere: boolean }>(
    `select to_regclass('intendant.feed_node') is not null as "isThere"`,
  );
  return rows[0]?.isThere ? [] : [NODE_SCHEMA, TAKE_OVER];
}
