import { DedicatedConnection, describeThrown, pause } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import { dropSlot } from '../slot.ts';
import { COORDINATOR, describeNode, type Node, onNode, readNodes } from './node.ts';
import { NodeReader } from './node-reader.ts';
import { ShardMoves } from './shard-moves.ts';
import { forgetNode, readStoredNodes, type StoredNode, storeNode } from './stored-nodes.ts';

const CHECK_INTERVAL_MS = 1_000;
/** Statements wait for transactions of the readers. */
const QUERY_TIMEOUT_MS = 60_000;

export interface NodeReadersOptions {
  /** Connection options of a login with the REPLICATION attribute that owns the log, for the coordinator. */
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  readonly onWaiting: (blockers: string) => void;
  readonly onAppended: () => void;
  /** Called when it has ended, and appends nothing more. */
  readonly onFailure: (error: Error) => void;
}

/** Fills the log from all nodes of a Citus cluster, one reader a node. */
export class NodeReaders {
  readonly #options: NodeReadersOptions;
  readonly #readers = new Map<number, NodeReader>();
  readonly #stopping = new AbortController();
  /** To the coordinator: two for transactions about moves, the last one for everything else. */
  readonly #connections: DedicatedConnection[] = [];
  #moves!: ShardMoves;
  #nodes: readonly Node[] = [];
  #checking: Promise<void> = Promise.resolve();

  constructor(options: NodeReadersOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the stream of each node has begun, except those of nodes that the log was filled from before: their slots
   * keep the changes while they cannot be reached.
   */
  async start(): Promise<void> {
    const [checks, ends] = [await this.#connect('intendant moves'), await this.#connect('intendant moves')];
    await this.#connect('intendant nodes');
    if (this.#stopping.signal.aborted) return this.#close();
    this.#moves = new ShardMoves({
      ...this.#options,
      checks: checks.client,
      ends: ends.client,
      readEnd: (groupId) => this.#readEnd(groupId),
    });
    this.#nodes = await readNodes(this.#client);
    const stored = await readStoredNodes(this.#client);
    // Before any slot is created: then a move during the creation is noticed.
    await this.#moves.check();
    for (const node of this.#nodes) await storeNode(this.#client, node);
    await Promise.all([...this.#nodes, ...this.#removed(stored)].map((node) => this.#begin(node, stored)));
    this.#checking = this.#checkRegularly();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#checking;
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
    this.#close();
  }

  async #connect(applicationName: string): Promise<DedicatedConnection> {
    const { connection } = this.#options;
    const opened = await DedicatedConnection.open({ connection, applicationName, timeoutMs: QUERY_TIMEOUT_MS });
    this.#connections.push(opened);
    return opened;
  }

  #close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #removed(stored: readonly StoredNode[]): StoredNode[] {
    return stored.filter(({ groupId }) => !this.#nodes.some((node) => node.groupId === groupId));
  }

  async #begin(node: Node, stored: readonly StoredNode[]): Promise<void> {
    const isKnown = stored.some(({ groupId, lsn }) => groupId === node.groupId && lsn !== null);
    const started = this.#add(node, stored.length > 0);
    if (!isKnown || node.groupId === COORDINATOR) await started;
  }

  async #add(node: Node, isNew: boolean): Promise<void> {
    const reader = new NodeReader({ ...this.#options, node, isNew, moves: this.#moves });
    this.#readers.set(node.groupId, reader);
    if (!this.#stopping.signal.aborted) await reader.start();
  }

  get #client(): pg.Client {
    return (this.#connections.at(-1) as DedicatedConnection).client;
  }

  async #readEnd(groupId: number): Promise<string | undefined> {
    const node = this.#nodes.find((each) => each.groupId === groupId) ?? this.#readers.get(groupId)?.node;
    if (node === undefined) return undefined;
    const isRemoved = !this.#nodes.includes(node);
    try {
      return await onNode(node, this.#options.connection, readEnd);
    } catch (error) {
      if (isRemoved) return undefined;
      throw new Error(
        `a shard has moved away from ${describeNode(node)}, which cannot be reached: ${describeThrown(error)}`,
      );
    }
  }

  /** Finds added and removed nodes, and moves of shards, which an append would find only with the next change. */
  async #checkRegularly(): Promise<void> {
    const { signal } = this.#stopping;
    const lost = AbortSignal.any(this.#connections.map((connection) => connection.lost));
    for (;;) {
      await pause(CHECK_INTERVAL_MS, AbortSignal.any([signal, lost]));
      if (signal.aborted) return;
      try {
        lost.throwIfAborted();
        await this.#check();
      } catch (error) {
        if (lost.aborted) return this.#options.onFailure(error as Error);
        this.#options.logger.debug({ err: error }, 'the nodes of the cluster cannot be read; the feed tries again');
      }
    }
  }

  async #check(): Promise<void> {
    this.#nodes = await readNodes(this.#client);
    await this.#moves.checkIfMoved();
    for (const node of this.#nodes) await this.#follow(node);
    const present = new Set(this.#nodes.map(({ groupId }) => groupId));
    for (const reader of this.#readers.values()) if (!present.has(reader.node.groupId)) await this.#remove(reader);
  }

  async #follow(node: Node): Promise<void> {
    const reader = this.#readers.get(node.groupId);
    if (reader?.node.host === node.host && reader.node.port === node.port) return;
    await reader?.stop();
    await storeNode(this.#client, node);
    this.#add(node, true).catch((error) => this.#options.logger.debug({ err: error }, 'a node cannot be read'));
  }

  /** A removed node has no shards. Its reader ends when the log has the changes that were made there before. */
  async #remove(reader: NodeReader): Promise<void> {
    const { node } = reader;
    if (this.#moves.isPendingFrom(node.groupId)) {
      if (!reader.isDown) return;
      await this.#moves.giveUp(node.groupId);
    }
    await reader.stop();
    this.#readers.delete(node.groupId);
    await onNode(node, this.#options.connection, dropSlot).catch((error) =>
      this.#options.logger.warn(
        { reason: describeThrown(error) },
        `the replication slot of ${describeNode(node)}, which was removed, cannot be dropped; drop it there if the server is still used`,
      ),
    );
    await forgetNode(this.#client, node);
    this.#options.logger.info(`${describeNode(node)} was removed: the feed no longer reads from it`);
  }
}

async function readEnd(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
  return rows[0]?.lsn as string;
}
