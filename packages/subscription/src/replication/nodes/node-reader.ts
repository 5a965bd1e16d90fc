import { abortable, Service, type ServiceRun, serverProcessId } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { ChangeStream } from '../change-stream.ts';
import { openSlot } from '../slot.ts';
import { whileReporting } from '../slot-wait.ts';
import { WalReader } from '../wal-reader.ts';
import { connectionTo, describeNode, type Node, onNode } from './node.ts';
import { NodeStore } from './node-store.ts';
import type { ShardMoves } from './shard-moves.ts';
import { placeOfNode } from './stored-nodes.ts';

const RETRY_MS = 1_000;

export interface NodeReaderOptions {
  readonly node: Node;
  /** Connection options of a login with the REPLICATION attribute that owns the log, for the coordinator. */
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  readonly moves: ShardMoves;
  /** The node was added after the feed was opened. */
  readonly isNew: boolean;
  readonly onWaiting: (blockers: string) => void;
  readonly onAppended: () => void;
}

/** Fills the log from one node. If the node or a connection is lost, it begins again. */
export class NodeReader {
  readonly node: Node;
  readonly #options: NodeReaderOptions;
  readonly #service: Service;

  constructor(options: NodeReaderOptions) {
    this.node = options.node;
    this.#options = options;
    const name = describeNode(options.node);
    this.#service = new Service({
      logger: options.logger,
      messages: {
        began: `changes of ${name} cannot be read; the feed tries again`,
        ended: `changes of ${name} are read again`,
      },
      backoff: { minMs: RETRY_MS, maxMs: RETRY_MS },
      run: (run) => this.#read(run),
    });
  }

  /** Whether it cannot read now. */
  get isDown(): boolean {
    return this.#service.isDown;
  }

  /** Resolves when its stream has begun. */
  start(): Promise<void> {
    return this.#service.start();
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }

  async #read({ signal, ready }: ServiceRun): Promise<undefined> {
    const failed = new AbortController();
    const { connection, logger, moves, onAppended, node } = this.#options;
    moves.forgetReached(node.groupId);
    const reader = new WalReader({
      connection,
      stream: this.#stream(),
      logger,
      onAppended,
      onFailure: (error) => failed.abort(error),
    });
    const ended = AbortSignal.any([signal, failed.signal]);
    try {
      await abortable(reader.start(), ended);
      ready();
      await abortable(new Promise<never>(() => {}), ended);
    } finally {
      await reader.stop();
    }
  }

  #stream(): ChangeStream {
    const { node, connection, moves } = this.#options;
    const { groupId } = node;
    return {
      connection: connectionTo(node, connection),
      openSlot: (log) => this.#openSlot(log),
      storeIn: (log) => new NodeStore(log, groupId, moves),
      readCommit: (occurredAt, lsn) => ({ occurred_at: occurredAt, lsn }),
      reached: (lsn) => moves.noteReached(groupId, lsn),
    };
  }

  #openSlot(log: pg.Client) {
    const { node, connection, logger, isNew } = this.#options;
    const onGap = () =>
      logger.warn(`${describeNode(node)} had rows before its changes could be read: all subscribers are reset`);
    return onNode(node, connection, (client, nodeConnection) =>
      whileReporting({ ...this.#options, connection: nodeConnection, pid: serverProcessId(client) ?? 0 }, () =>
        openSlot(client, placeOfNode(log, node, { isNew, onGap }), logger),
      ),
    );
  }
}
