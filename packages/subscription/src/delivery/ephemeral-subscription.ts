import { setMaxListeners } from 'node:events';
import { ConfigurationError } from '@intendant/core';
import type { LogView } from '../log/read-log.ts';
import { SLOTS } from '../log/slot.ts';
import { formatPosition, type Position } from '../position.ts';
import type { Feed } from '../source/feed.ts';
import type { Subscription, SubscriptionStats } from '../subscription.ts';
import { Delivery, type OutcomeStore } from './delivery.ts';
import type { DeliveryLimits } from './delivery-options.ts';
import type { BatchHandler } from './handler.ts';
import { countLag, everySlotAt } from './lag.ts';
import { Reading } from './reading.ts';
import { Share } from './share.ts';
import { SubscriptionEnd } from './subscription-end.ts';

export interface SubscriptionParts {
  readonly feed: Feed;
  readonly view: LogView;
  readonly from: number;
  readonly handler: BatchHandler;
  readonly limits: DeliveryLimits;
  readonly onReset: (() => unknown) | undefined;
  readonly onError: ((error: Error) => unknown) | undefined;
  readonly onClosed: () => void;
}

/** Nothing is stored: a failing change is retried without limit. */
const NO_OUTCOMES: OutcomeStore = {
  acknowledge: async () => {
    throw new ConfigurationError('ack: only a durable subscription, one with a name, stores acknowledgements');
  },
  isAcknowledged: async () => false,
  noteDone: async () => {},
  park: async () => false,
};

/** A subscription whose position is kept in the memory of this process. */
export class EphemeralSubscription implements Subscription {
  readonly #parts: SubscriptionParts;
  readonly #closing = new AbortController();
  readonly #delivery: Delivery;
  readonly #reading: Reading;
  readonly #share: Share;
  readonly #end: SubscriptionEnd;
  readonly #running: Promise<void>;
  #isPaused = false;

  constructor(parts: SubscriptionParts) {
    const { feed, view, handler, limits, onReset, onError, from } = parts;
    this.#parts = parts;
    this.#end = new SubscriptionEnd(feed.logger, onError);
    setMaxListeners(0, this.#closing.signal); // Every call that waits for its retry adds a listener.
    const { signal } = this.#closing;
    this.#delivery = new Delivery({
      handler,
      subject: { table: view.tables.map(({ name }) => name).join(','), name: undefined },
      limits,
      outcomes: NO_OUTCOMES,
      logger: feed.logger,
      closing: signal,
      onProgress: () => {},
    });
    this.#reading = new Reading({
      feed,
      delivery: this.#delivery,
      onReset,
      onRead: () => {},
      generation: view.generation,
    });
    this.#share = new Share(from);
    this.#running = this.#reading
      .run(view, [this.#share], () => this.#share, signal)
      .catch((error) => {
        this.#end.fail(error);
        void this.close();
      });
  }

  get error(): Error | undefined {
    return this.#end.error;
  }

  get closed(): Promise<void> {
    return this.#end.closed;
  }

  get position(): Position {
    return formatPosition(this.#parts.feed.horizon.logId, this.#share.progress.place);
  }

  async lag(): Promise<number> {
    this.#end.check();
    const { feed, view } = this.#parts;
    return countLag(feed.internals, view, everySlotAt(this.#share.progress.place));
  }

  pause(): void {
    this.#isPaused = true;
    this.#reading.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#reading.resume();
  }

  stats(): SubscriptionStats {
    return {
      table: this.#parts.view.tables.map(({ name }) => name).join(),
      name: undefined,
      position: this.position,
      ...this.#delivery.counts,
      buffered: this.#delivery.buffered,
      isPaused: this.#isPaused,
      slots: SLOTS,
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#delivery.end();
    this.#parts.onClosed();
    this.#end.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
