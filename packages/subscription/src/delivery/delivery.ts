import type { Transaction } from '@intendant/core';
import { backoffMs, pause } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { CallClock, CallLimit } from './call-limit.ts';
import type { DeliveryItem } from './delivery-item.ts';
import type { DeliveryLimits } from './delivery-options.ts';
import { type CallSubject, withTelemetry } from './delivery-telemetry.ts';
import type { BatchHandler } from './handler.ts';
import { KeyedQueues } from './keyed-queues.ts';

/** Stores the results of changes: an ephemeral subscription stores nothing, a durable one writes to the database. */
export interface OutcomeStore {
  /** Acknowledges the change in the handler's own transaction. */
  acknowledge(tx: Transaction, items: readonly DeliveryItem[]): Promise<void>;
  /** Whether the acknowledgement was committed although the call failed, by this call or by another member. */
  isAcknowledged(item: DeliveryItem): Promise<boolean>;
  /** The handler has completed the change. */
  noteDone(item: DeliveryItem): Promise<void>;
  /** The last attempt failed: stores a dead letter. Resolves to false if another member owns the change by now. */
  park(item: DeliveryItem, error: unknown, attempts: number): Promise<boolean>;
}

export interface DeliveryParts {
  readonly handler: BatchHandler;
  readonly subject: CallSubject;
  readonly limits: DeliveryLimits;
  readonly outcomes: OutcomeStore;
  readonly logger: Logger;
  /** Aborts when the subscription closes: no change is started or retried after that. */
  readonly closing: AbortSignal;
  /** Called when changes are completed. */
  readonly onProgress: () => void;
}

/** The reason of a failed call; wrapped, so that `throw undefined` counts as a failure. */
interface Failure {
  readonly reason: unknown;
}

/** The outcome of a call that has not returned yet or has failed. */
type Outcome = Promise<Failure | undefined> | undefined;

/** The wait before a failed write or read of an outcome is retried, in milliseconds. */
const UNSTORED_MS = 500;
/** How long `close` waits for running calls of the handler, in milliseconds. */
const CLOSE_MS = 10_000;

export interface DeliveryCounts {
  delivered: number;
  failedCalls: number;
  deadLetters: number;
}

/**
 * Passes changes to the handler: those of one row in order, those of several rows at the same time if configured, and
 * failed ones again. A change is completed only when the handler has returned or the change became a dead letter.
 */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #queues: KeyedQueues<DeliveryItem>;
  readonly #clock: CallClock;
  readonly counts: DeliveryCounts = { delivered: 0, failedCalls: 0, deadLetters: 0 };

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { concurrency, batchSize, handlerTimeoutMs } = parts.limits;
    this.#clock = new CallClock(handlerTimeoutMs);
    this.#queues = new KeyedQueues({ concurrency, batchSize, work: (items) => this.#work(items) });
    parts.closing.addEventListener('abort', () => this.#queues.clear(), { once: true });
  }

  /** Number of changes that are read and not yet completed. */
  get buffered(): number {
    return this.#queues.size;
  }

  get hasRoom(): boolean {
    return this.#queues.size < this.#parts.limits.maxBuffered;
  }

  accept(items: readonly DeliveryItem[]): void {
    const isInOrder = this.#parts.limits.concurrency === 1;
    this.#queues.push(items.map((item) => [isInOrder ? '' : item.numbered.identity, item] as const));
  }

  /** Resolves when there is room for another page. */
  room(): Promise<void> {
    return this.#queues.fewerThan(this.#parts.limits.maxBuffered);
  }

  /** Resolves when no change is left. */
  idle(): Promise<void> {
    return this.#queues.fewerThan(1);
  }

  /** Waits at most this long. Returns whether no change is left. */
  async idleWithin(timeoutMs: number): Promise<boolean> {
    const waiting = new AbortController();
    const late = pause(timeoutMs, waiting.signal).then(() => false);
    return Promise.race([this.idle().then(() => true), late]).finally(() => waiting.abort());
  }

  /** For closing: waits for running calls, up to a time limit. */
  async end(): Promise<void> {
    if (!(await this.idleWithin(CLOSE_MS)))
      this.#parts.logger.warn('a handler did not return when its subscription was closed; its change is not completed');
  }

  /** Removes the changes whose calls have not started. */
  clear(): void {
    this.#queues.clear();
  }

  pause(): void {
    this.#queues.pause();
  }

  resume(): void {
    this.#queues.resume();
  }

  /** If the handler is synchronous, the change is completed when this returns, without a promise. */
  #work(items: readonly DeliveryItem[]): Promise<void> | undefined {
    const sorted = items.length === 1 ? items : items.toSorted((a, b) => a.numbered.sequence - b.numbered.sequence);
    if (sorted.some((item) => item.isDeadLetter || !this.#isWanted(item))) {
      this.#enter(sorted);
      return this.#workOn(sorted, undefined);
    }
    const outcome = this.#call(sorted, 1);
    if (outcome === undefined) {
      this.#settle(sorted);
      return void this.#parts.onProgress();
    }
    this.#enter(sorted);
    return outcome.then((failure) => {
      if (failure !== undefined) return this.#workOn(sorted, failure);
      this.#settle(sorted);
      return this.#leave(sorted);
    });
  }

  #enter(items: readonly DeliveryItem[]): void {
    for (const { share } of items) share.enter();
  }

  #leave(items: readonly DeliveryItem[]): void {
    for (const { share } of items) share.leave();
    this.#parts.onProgress();
  }

  /** `first`: the error of the first attempt, if it was made already. */
  async #workOn(items: readonly DeliveryItem[], first: Failure | undefined): Promise<void> {
    const left = await this.#tryAll(items, first);
    for (const item of left) await this.#tryAlone(item);
    this.#leave(items);
  }

  /** Returns the changes of a batch that failed for the last time: each is tried alone once more, so that only the bad change becomes a dead letter. */
  async #tryAll(items: readonly DeliveryItem[], first: Failure | undefined): Promise<readonly DeliveryItem[]> {
    const { limits } = this.#parts;
    let left = items;
    for (let attempt = 1; ; attempt++) {
      if (attempt > 1 || first === undefined) left = left.filter((item) => this.#isWanted(item));
      if (left.length === 0) return [];
      const error = attempt === 1 && first !== undefined ? first : await this.#call(left, attempt);
      if (error === undefined) return this.#finish(left);
      left = await this.#withoutAcknowledged(left, error);
      if (left.length === 0) return [];
      if (attempt >= limits.maxAttempts)
        return left.length > 1 ? left : this.#park(left[0] as DeliveryItem, error, attempt);
      await this.#backOff(attempt, left, error);
    }
  }

  async #tryAlone(item: DeliveryItem): Promise<void> {
    if (!this.#isWanted(item)) return;
    const attempt = this.#parts.limits.maxAttempts + 1;
    const error = await this.#call([item], attempt);
    if (error === undefined) await this.#finish([item]);
    else if ((await this.#withoutAcknowledged([item], error)).length > 0) await this.#park(item, error, attempt);
  }

  #isWanted({ share }: DeliveryItem): boolean {
    return share.isHeld && !this.#parts.closing.aborted;
  }

  /** Returns undefined if the call has returned without a promise and without an error. */
  #call(items: readonly DeliveryItem[], attempt: number): Outcome {
    const { handler, outcomes, subject } = this.#parts;
    const limit = new CallLimit(
      () => items.map(({ share }) => share.lost),
      this.#clock,
      (error) => this.#noteLate(items, error),
    );
    const context = {
      get signal() {
        return limit.signal;
      },
      attempt,
      ack: (tx: Transaction) => outcomes.acknowledge(tx, items),
    };
    const changes = items.map(({ numbered }) => numbered.change);
    const traces = () => items.map(({ numbered }) => numbered.entry.traceparent);
    const failed = (reason: unknown): Failure => {
      this.counts.failedCalls++;
      return { reason };
    };
    try {
      return limit
        .run(() => withTelemetry(subject, changes, attempt, traces, () => handler(changes, context)))
        ?.then(() => undefined, failed);
    } catch (reason) {
      return Promise.resolve(failed(reason));
    }
  }

  async #finish(items: readonly DeliveryItem[]): Promise<readonly never[]> {
    for (const item of items) if (item.isDeadLetter) await this.#untilStored(() => this.#parts.outcomes.noteDone(item));
    this.#settle(items);
    return [];
  }

  #settle(items: readonly DeliveryItem[]): void {
    for (const { share, numbered } of items) share.progress.finish(numbered.sequence);
    this.counts.delivered += items.length;
  }

  async #withoutAcknowledged(items: readonly DeliveryItem[], error: Failure): Promise<DeliveryItem[]> {
    const left: DeliveryItem[] = [];
    for (const item of items) {
      if (await this.#untilStored(() => this.#parts.outcomes.isAcknowledged(item))) await this.#finish([item]);
      else left.push(item);
    }
    if (left.length < items.length)
      this.#parts.logger.debug({ err: error.reason }, 'a handler failed after its acknowledgement was committed');
    return left;
  }

  async #park(item: DeliveryItem, error: Failure, attempts: number): Promise<readonly never[]> {
    const { logger, outcomes } = this.#parts;
    const isParked = await this.#untilStored(() => outcomes.park(item, error.reason, attempts));
    if (!isParked) return [];
    this.counts.deadLetters++;
    item.share.progress.finish(item.numbered.sequence);
    const { table, position } = item.numbered.change;
    logger.error({ err: error.reason, table, position, attempts }, 'a change became a dead letter');
    return [];
  }

  async #backOff(attempt: number, items: readonly DeliveryItem[], error: Failure): Promise<void> {
    const { limits, logger, closing } = this.#parts;
    const waitMs = Math.round(backoffMs({ minMs: limits.backoffMs, maxMs: limits.maxBackoffMs }, attempt));
    const { table, position } = (items[0] as DeliveryItem).numbered.change;
    logger.error(
      { err: error.reason, table, position, attempt, waitMs },
      'the handler failed; the change will be delivered again',
    );
    const [{ share }] = items as readonly [DeliveryItem];
    await pause(waitMs, AbortSignal.any([closing, share.lost]));
  }

  #noteLate(items: readonly DeliveryItem[], error: unknown): void {
    const { table, position } = (items[0] as DeliveryItem).numbered.change;
    this.#parts.logger.warn(
      { table, position, ...(error !== undefined && { err: error }) },
      'the handler returned after its time limit; the change has been delivered again',
    );
  }

  /** Retries until the database can be reached: a lost connection must neither skip a change nor deliver it again. */
  async #untilStored<T>(act: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        this.#parts.logger.debug({ err: error }, 'the result of a change cannot be written or read yet');
      }
      await pause(UNSTORED_MS, this.#parts.closing);
      if (this.#parts.closing.aborted) return undefined;
    }
  }
}
