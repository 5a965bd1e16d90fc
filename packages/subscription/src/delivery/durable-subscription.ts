import { setTimeout as delay } from 'node:timers/promises';
import type { RegisteredTable } from '@intendant/core/internal';
import type pg from 'pg';
import { formatPosition, type Position } from '../position.ts';
import { RunningSubscription, type Subscription, type SubscriptionParts } from '../subscription.ts';
import { DurableCursor } from './durable-cursor.ts';

const RETRY_MS = 1_000;

export interface DurableParts extends Omit<SubscriptionParts, 'keepCursor'> {
  readonly name: string;
  readonly table: RegisteredTable;
  readonly connection: pg.ClientConfig;
}

/** Works while this process holds the name, waits while another does, and begins again where the cursor stands. */
export class DurableSubscription implements Subscription {
  readonly #parts: DurableParts;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #current: RunningSubscription | undefined;
  #isPaused = false;

  constructor(parts: DurableParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  get position(): Position {
    return this.#current?.position ?? formatPosition(this.#parts.feed.logId, this.#parts.from);
  }

  async lag(): Promise<number> {
    const { internals, horizon } = this.#parts.feed;
    const { rows } = await internals.pool.query<{ seq: string }>('select seq from intendant.cursor where name = $1', [
      this.#parts.name,
    ]);
    return Math.max(0, horizon.settled - Number(rows[0]?.seq ?? this.#parts.from));
  }

  pause(): void {
    this.#isPaused = true;
    this.#current?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#current?.resume();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#turn().catch((error: Error) => {
        this.#parts.feed.logger.debug({ reason: error.message }, 'a durable subscription starts again');
        return delay(RETRY_MS, undefined, { signal }).catch(() => {});
      });
    }
    await this.#parts.onClosed();
  }

  async #turn(): Promise<void> {
    const { feed, connection, name, table, from } = this.#parts;
    const cursor = await DurableCursor.take(feed.internals, connection, name, table, from, this.#closing.signal);
    if (!cursor) return;
    const current = new RunningSubscription({
      ...this.#parts,
      from: cursor.sequence,
      keepCursor: (sequence) => cursor.keep(sequence),
      onClosed: async () => {},
    });
    this.#current = current;
    if (this.#isPaused) current.pause();
    try {
      await aborted(AbortSignal.any([this.#closing.signal, cursor.lost]));
      await current.close();
    } finally {
      await cursor.release();
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
