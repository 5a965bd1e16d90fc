import { setTimeout as delay } from 'node:timers/promises';
import type { Change } from './change.ts';
import type { LogView, NumberedChange } from './log/read-log.ts';
import { formatPosition, type Position } from './position.ts';
import { type Feed, follow, type Step } from './source/follow.ts';

export type Handler<R = Readonly<Record<string, unknown>>> = (change: Change<R>) => unknown;

/** A handler that throws is called again after 50 ms, then twice as long each time, up to this. */
const MOST_BACKOFF_MS = 30_000;

/** One subscriber. It goes on until closed, whatever happens to connections and servers. */
export interface Subscription extends AsyncDisposable {
  /** The place up to which the handler has taken care of everything. */
  readonly position: Position;
  /** How many changes of the log, of whatever table, are settled and not yet taken care of. */
  lag(): Promise<number>;
  /** Hands over no further change until `resume`. */
  pause(): void;
  resume(): void;
  /** Resolves when the handler has returned from the change under way. May be called twice, not from the handler. */
  close(): Promise<void>;
}

export interface SubscriptionParts {
  readonly feed: Feed;
  readonly view: LogView;
  readonly from: number;
  readonly handler: Handler;
  readonly onReset: (() => unknown) | undefined;
  /** Keeps the cursor, for a durable subscription. */
  readonly keepCursor: ((sequence: number) => Promise<void>) | undefined;
  readonly onClosed: () => Promise<void>;
}

export class RunningSubscription implements Subscription {
  readonly #parts: SubscriptionParts;
  readonly #closing = new AbortController();
  #sequence: number;
  #running: Promise<void>;
  #resumed: PromiseWithResolvers<void> | undefined;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.#sequence = parts.from;
    this.#running = this.#run();
  }

  get position(): Position {
    return formatPosition(this.#parts.feed.logId, this.#sequence);
  }

  async lag(): Promise<number> {
    return Math.max(0, this.#parts.feed.horizon.settled - this.#sequence);
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.resume();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { feed, view, from, onClosed } = this.#parts;
    for await (const step of follow(feed, view, from, signal)) {
      await this.#takeStep(step);
      if (signal.aborted) break;
    }
    await onClosed();
  }

  async #takeStep({ changes, through, isReset }: Step): Promise<void> {
    const { signal } = this.#closing;
    if (isReset) await this.#insist('onReset', async () => this.#parts.onReset?.());
    for (const numbered of changes) {
      await this.#resumed?.promise;
      if (signal.aborted) break;
      await this.#takeChange(numbered);
    }
    if (!signal.aborted) this.#sequence = through;
    await this.#keep();
  }

  async #takeChange({ sequence, change }: NumberedChange): Promise<void> {
    if (await this.#insist(change.table, async () => this.#parts.handler(change))) this.#sequence = sequence;
  }

  /** Kept after the handler: a crash in between hands the changes over again. */
  async #keep(): Promise<void> {
    try {
      await this.#parts.keepCursor?.(this.#sequence);
    } catch (error) {
      this.#parts.feed.logger.warn(
        { reason: (error as Error).message },
        'the cursor could not be kept; changes may be handed over again',
      );
    }
  }

  /** Until it succeeds: skipping a change would be silent loss. False if closed before that. */
  async #insist(what: string, act: () => Promise<unknown>): Promise<boolean> {
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, MOST_BACKOFF_MS)) {
      try {
        await act();
        return true;
      } catch (error) {
        this.#parts.feed.logger.error({ err: error, table: what, waitMs }, 'a subscriber failed, and is called again');
      }
      await delay(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {});
      if (this.#closing.signal.aborted) return false;
    }
  }
}
