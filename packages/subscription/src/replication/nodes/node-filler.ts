import type pg from 'pg';
import type { CommittedRow, Filler } from '../change-stream.ts';
import { HIGHEST } from './placements.ts';
import type { ShardMoves } from './shard-moves.ts';

const COLUMNS = 'table_name, operation, key, org_id, instance_id, revision, record, occurred_at';
const GIVEN = `jsonb_to_recordset($1::jsonb) as (table_name text, operation text, key text[], org_id text, instance_id text,
  revision bigint, record jsonb, occurred_at timestamptz, lsn pg_lsn)`;

/** The condition that no shard has got a new place since the leader looked. The rows had been received before. */
const UNMOVED = `${HIGHEST} = $2::bigint`;

const APPEND = `
insert into intendant.change_log (${COLUMNS})
select table_name, operation::"char", key, org_id, instance_id, revision, record, occurred_at
from ${GIVEN} where ${UNMOVED}`;

/** Before the rows are placed: a move that was looked at cannot end until they are committed. */
const KEEP_MOVES = 'select from intendant.shard_move for key share';

const OF_ROW = `m.table_name = r.table_name and worker_hash(r.org_id) between m.low and m.high`;

/**
 * While moves are pending, a change is held if it was made after its row arrived at this node, until the log has all changes
 * from the node that the row came from. The moves of a row are in order: each begins at the node where the one before it
 * ended. A change belongs to the node's n-th arrival, where n is one more than the departures before its commit, or the
 * same number if the row was at this node first.
 */
const PLACE = `
with given as materialized (
  select r.*, (
    select m.id from intendant.shard_move m where ${OF_ROW} and m.to_group = $3 and visits.arrival > 0
    order by m.id offset greatest(visits.arrival - 1, 0) limit 1
  ) as move_id
  from rows from (${GIVEN}) with ordinality as r (table_name, operation, key, org_id, instance_id, revision, record, occurred_at, lsn, place),
  lateral (
    select count(*) filter (where m.from_group = $3 and m.from_lsn <= r.lsn)
      + case when (array_agg(m.from_group order by m.id))[1] = $3 then 0 else 1 end as arrival
    from intendant.shard_move m where ${OF_ROW}
  ) visits
  where ${UNMOVED}
), held as (
  insert into intendant.held_change (move_id, ${COLUMNS})
  select move_id, table_name, operation::"char", key, org_id, instance_id, revision, record, occurred_at
  from given where move_id is not null order by place
), logged as (
  insert into intendant.change_log (${COLUMNS})
  select table_name, operation::"char", key, org_id, instance_id, revision, record, occurred_at
  from given where move_id is null order by place
)
select from given`;

const MOVE = `
update intendant.feed_node set lsn = $2::pg_lsn where group_id = $3 and lsn is not distinct from $1::pg_lsn`;

export interface NodeFillerOptions {
  readonly groupId: number;
  readonly moves: ShardMoves;
}

/** Appends the changes of one node. */
export class NodeFiller implements Filler {
  readonly #client: pg.ClientBase;
  readonly #options: NodeFillerOptions;
  #lsn: string;
  #isOpen = false;

  /** `lsn`: the position up to which the log was filled. */
  constructor(client: pg.ClientBase, lsn: string, options: NodeFillerOptions) {
    this.#client = client;
    this.#lsn = lsn;
    this.#options = options;
  }

  async append(rows: readonly CommittedRow[]): Promise<void> {
    if (!this.#isOpen) await this.#client.query('begin');
    this.#isOpen = true;
    if (rows.length === 0) return;
    const json = JSON.stringify(rows);
    while (!(await this.#appendIfUnmoved(json))) await this.#options.moves.look();
  }

  async #appendIfUnmoved(json: string): Promise<boolean> {
    const { moves, groupId } = this.#options;
    const { seen, isAnyPending } = moves;
    if (isAnyPending) await this.#client.query(KEEP_MOVES);
    const { rowCount } = isAnyPending
      ? await this.#client.query({ text: PLACE, values: [json, seen, groupId] })
      : await this.#client.query({ name: 'fill-log', text: APPEND, values: [json, seen] });
    return rowCount !== 0;
  }

  async commit(rows: readonly CommittedRow[], lsn: string): Promise<void> {
    await this.append(rows);
    const { groupId } = this.#options;
    const { rowCount } = await this.#client.query({ name: 'move-lsn', text: MOVE, values: [this.#lsn, lsn, groupId] });
    if (rowCount !== 1) throw new Error('another process fills the log');
    await this.#client.query('commit');
    this.#isOpen = false;
    this.#lsn = lsn;
  }
}
