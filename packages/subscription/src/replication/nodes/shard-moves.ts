import type pg from 'pg';
import type { Logger } from 'pino';
import { TRIMMED_BY_GAP } from '../../log/announce-schema.ts';
import { readLsn } from '../lsn.ts';
import { findReleasable, type PendingMove, readPendingMoves, releaseMove } from './held-changes.ts';
import {
  hasEveryMove,
  isAnySplit,
  type MovedPart,
  type Placements,
  readHighest,
  readMoved,
  readPlacements,
  storePlacements,
} from './placements.ts';
import { TransactionQueue } from './transaction-queue.ts';

/*
 * The order of a row's changes while its shard moves to another node.
 *
 * Each node has its own stream, and nothing orders two streams. A row's changes are all in one of them, unless its shard
 * moves from node A to node B. All changes before the move are then in A's stream and all after it in B's.
 *
 * - Every append contains the condition that no shard has got a new place since the leader's last check. The rows were received
 *   before the statement began. So if a row was written after a move, the statement sees the move and appends nothing.
 * - The leader then checks: it stores which parts of tables moved, and the position of A's write-ahead log after it saw the
 *   move. A's changes from before the move are before that position: Citus blocks writers while it switches, and the switch
 *   itself is flushed on A.
 * - Until A's reader has reached that position, B's changes of these parts are held in a table. Readers never wait for
 *   each other: two moves in opposite directions could then block both.
 * - B's held changes enter the log in the transaction that ends the move.
 *
 * Every placement has a new number. If a number between two checks is missing, a part may have moved twice, and the node in
 * between is unknown. Then the order is unknown too, and every subscriber is reset.
 *
 * If a shard is split, it is deleted, and Citus' decoder no longer finds the table of changes that were made before and were not
 * read yet: it leaves them out. So a split resets every subscriber. A subscriber lists after the reset, and so after the split.
 */

const RESET = `update intendant.change_log_identity set trimmed_seq = ${TRIMMED_BY_GAP}`;

/** Waits for a leader that was replaced without noticing. */
const LOCK = 'lock table intendant.feed_shards_seen in share row exclusive mode';

const STORE = `
insert into intendant.shard_move (table_name, low, high, from_group, from_lsn, to_group) values ($1, $2, $3, $4, $5, $6)`;

const LAST_LSN = 'FFFFFFFF/FFFFFFFF';

interface FoundMoves {
  readonly placements: Placements;
  readonly moved: readonly MovedPart[];
  /** The ends of the write-ahead logs of the nodes that were left; undefined for one that is gone. */
  readonly ends: ReadonlyMap<number, string | undefined>;
}

export interface ShardMovesOptions {
  /** Two connections to the coordinator that run nothing else. */
  readonly checks: pg.ClientBase;
  readonly ends: pg.ClientBase;
  readonly logger: Logger;
  /**
   * Returns the end of the flushed write-ahead log of a node; undefined if the node was removed from the cluster and
   * cannot be reached. Rejects if it cannot be reached.
   */
  readonly readEnd: (groupId: number) => Promise<string | undefined>;
  /** Called when held changes were appended. */
  readonly onAppended: () => void;
  /** Called when held changes could not be appended. */
  readonly onFailure: (error: Error) => void;
}

/** Which shards have moved while changes from their old node are not in the log yet. */
export class ShardMoves {
  /**
   * Two connections: the end of a move waits for readers that hold changes for it, and a reader may wait for a check before
   * it commits.
   */
  readonly #checks: TransactionQueue;
  readonly #ends: TransactionQueue;
  readonly #options: ShardMovesOptions;
  /** The position up to which the log has the changes of each node. */
  readonly #reached = new Map<number, bigint>();
  #seen = '';
  #pending: readonly PendingMove[] = [];
  #checking: Promise<void> | undefined;
  #isReleasing = false;

  constructor(options: ShardMovesOptions) {
    this.#checks = new TransactionQueue(options.checks);
    this.#ends = new TransactionQueue(options.ends);
    this.#options = options;
  }

  /** The highest number of a placement at the last check. */
  get seen(): string {
    return this.#seen;
  }

  get isAnyPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Whether a move waits for changes from this node. */
  isPendingFrom(groupId: number): boolean {
    return this.#pending.some(({ fromGroup }) => fromGroup === groupId);
  }

  /** Finds the shards that have moved. Rejects if the end of a node's write-ahead log is needed and cannot be read. */
  check(): Promise<void> {
    this.#checking ??= this.#checkOnce().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** The same, if a shard has got a new place since the last check. */
  async checkIfMoved(): Promise<void> {
    const highest = await this.#checks.run(readHighest);
    if (highest !== this.#seen) await this.check();
  }

  /** The log has all changes of this node up to the position. */
  noteReached(groupId: number, lsn: string): void {
    this.#reached.set(groupId, readLsn(lsn));
    this.#releaseSoon();
  }

  /** The reader of this node begins again. */
  forgetReached(groupId: number): void {
    this.#reached.delete(groupId);
  }

  /** The changes of this node that moves wait for are lost: every subscriber is reset. */
  async giveUp(groupId: number): Promise<void> {
    await this.#checks.run((client) => this.#reset(client, 'changes of a node that was removed are lost'));
    this.#reached.set(groupId, readLsn(LAST_LSN));
    this.#releaseSoon();
  }

  async #checkOnce(): Promise<void> {
    const { pending, placements } = await this.#checks.run(async (client) => {
      await client.query(LOCK);
      const { placements, moved, ends } = await this.#readMoves(client);
      if (moved.length > 0 && !(await hasEveryMove(client, placements)))
        await this.#reset(client, 'a shard may have moved more than once since the last check of the feed');
      if (await isAnySplit(client, placements)) await this.#reset(client, 'a shard was split');
      for (const part of moved) await this.#store(client, part, ends.get(part.fromGroup));
      await storePlacements(client, placements);
      return { placements, pending: await readPendingMoves(client) };
    });
    this.#pending = pending;
    this.#seen = placements.highest;
    this.#releaseSoon();
  }

  /** Begins anew if a shard moves meanwhile. */
  async #readMoves(client: pg.ClientBase): Promise<FoundMoves> {
    for (;;) {
      const placements = await readPlacements(client);
      const moved = await readMoved(client, placements);
      const ends = new Map<number, string | undefined>();
      for (const group of new Set(moved.map(({ fromGroup }) => fromGroup)))
        ends.set(group, await this.#options.readEnd(group));
      if ((await readHighest(client)) === placements.highest) return { placements, moved, ends };
    }
  }

  async #store(client: pg.ClientBase, part: MovedPart, end: string | undefined): Promise<void> {
    const { tableName, low, high, fromGroup, toGroup } = part;
    if (end === undefined)
      return this.#reset(client, 'a shard has moved from a node that was removed and cannot be reached');
    await client.query(STORE, [tableName, low, high, fromGroup, end, toGroup]);
  }

  async #reset(client: pg.ClientBase, reason: string): Promise<void> {
    await client.query(RESET);
    this.#options.logger.warn({ reason }, 'changes may be missing or out of order: all subscribers are reset');
  }

  get #releasable(): PendingMove | undefined {
    return findReleasable(this.#pending, ({ fromGroup, fromLsn }) => {
      const reached = this.#reached.get(fromGroup);
      return reached !== undefined && reached >= readLsn(fromLsn);
    });
  }

  #releaseSoon(): void {
    const move = this.#releasable;
    if (move === undefined || this.#isReleasing) return;
    this.#isReleasing = true;
    this.#release(move).catch((error: Error) => this.#options.onFailure(error));
  }

  async #release(move: PendingMove): Promise<void> {
    await this.#ends.run((client) => releaseMove(client, move));
    this.#pending = this.#pending.filter(({ id }) => id !== move.id);
    this.#options.onAppended();
    this.#isReleasing = false;
    this.#releaseSoon();
  }
}
