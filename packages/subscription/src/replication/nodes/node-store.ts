import type pg from 'pg';
import type { LogStore } from '../change-stream.ts';
import { JSON_COLUMNS, LOG_COLUMNS, LOG_VALUES } from '../log-row.ts';
import { HIGHEST } from './placements.ts';
import type { ShardMoves } from './shard-moves.ts';

const GIVEN = `jsonb_to_recordset($1::jsonb) as (${JSON_COLUMNS}, lsn pg_lsn)`;

/** The condition that no shard has got a new place since the leader's last check. The rows had been received before. */
const UNMOVED = `${HIGHEST} = $2::bigint`;

const APPEND = `
insert into intendant.change_log (${LOG_COLUMNS})
select ${LOG_VALUES} from ${GIVEN} where ${UNMOVED}`;

/** Before the rows are placed: then a stored move cannot end until they are committed. */
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
  from rows from (${GIVEN}) with ordinality as r (${LOG_COLUMNS}, lsn, place),
  lateral (
    select count(*) filter (where m.from_group = $3 and m.from_lsn <= r.lsn)
      + case when (array_agg(m.from_group order by m.id))[1] = $3 then 0 else 1 end as arrival
    from intendant.shard_move m where ${OF_ROW}
  ) visits
  where ${UNMOVED}
), held as (
  insert into intendant.held_change (move_id, ${LOG_COLUMNS})
  select move_id, ${LOG_VALUES}
  from given where move_id is not null order by place
), logged as (
  insert into intendant.change_log (${LOG_COLUMNS})
  select ${LOG_VALUES}
  from given where move_id is null order by place
)
select from given`;

const MOVE = `
update intendant.feed_node set lsn = $2::pg_lsn where group_id = $3 and lsn is not distinct from $1::pg_lsn`;

/** Stores the changes of one node. */
export class NodeStore implements LogStore {
  readonly #client: pg.ClientBase;
  readonly #groupId: number;
  readonly #moves: ShardMoves;

  constructor(client: pg.ClientBase, groupId: number, moves: ShardMoves) {
    this.#client = client;
    this.#groupId = groupId;
    this.#moves = moves;
  }

  async append(rows: string): Promise<void> {
    while (!(await this.#appendIfUnmoved(rows))) await this.#moves.check();
  }

  async #appendIfUnmoved(rows: string): Promise<boolean> {
    const { seen, isAnyPending } = this.#moves;
    if (isAnyPending) await this.#client.query(KEEP_MOVES);
    const { rowCount } = isAnyPending
      ? await this.#client.query({ text: PLACE, values: [rows, seen, this.#groupId] })
      : await this.#client.query({ name: 'fill-log', text: APPEND, values: [rows, seen] });
    return rowCount !== 0;
  }

  async movePosition(from: string, to: string): Promise<boolean> {
    const { rowCount } = await this.#client.query({ name: 'move-lsn', text: MOVE, values: [from, to, this.#groupId] });
    return rowCount === 1;
  }
}
