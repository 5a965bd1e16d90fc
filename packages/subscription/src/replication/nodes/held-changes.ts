import type pg from 'pg';
import { LOG_COLUMNS } from '../log-row.ts';

/** A move for which changes from the node that was left are not in the log yet. */
export interface PendingMove {
  readonly id: string;
  readonly tableName: string;
  readonly low: number;
  readonly high: number;
  readonly fromGroup: number;
  /** All changes from before the move are before this position of the node that was left. */
  readonly fromLsn: string;
}

const PENDING = `
select id, table_name as "tableName", low, high, from_group as "fromGroup", from_lsn::text as "fromLsn"
from intendant.shard_move order by id`;

/** Waits for transactions that hold changes for the move. */
const LOCK = 'select from intendant.shard_move where id = $1 for update';
const APPEND = `
insert into intendant.change_log (${LOG_COLUMNS})
select ${LOG_COLUMNS} from intendant.held_change where move_id = $1 order by id`;
const FORGET = [
  'delete from intendant.held_change where move_id = $1',
  'delete from intendant.shard_move where id = $1',
];

export async function readPendingMoves(client: pg.ClientBase): Promise<PendingMove[]> {
  const { rows } = await client.query<PendingMove>(PENDING);
  return rows;
}

/** Ends the move: its held changes enter the log. Runs in a transaction of the caller. */
export async function releaseMove(client: pg.ClientBase, { id }: PendingMove): Promise<void> {
  for (const statement of [LOCK, APPEND, ...FORGET]) await client.query(statement, [id]);
}

/** The first of the moves that can end: the log has all that it waits for, and no earlier move has the same rows. */
export const findReleasable = (
  pending: readonly PendingMove[],
  hasReached: (move: PendingMove) => boolean,
): PendingMove | undefined =>
  pending.find(
    (move, place) => hasReached(move) && !pending.slice(0, place).some((earlier) => overlaps(earlier, move)),
  );

const overlaps = (one: PendingMove, other: PendingMove): boolean =>
  one.tableName === other.tableName && one.low <= other.high && one.high >= other.low;
