import { abortable, Backoff, pause } from '@intendant/core/internal';
import type { NumberedChange } from '../log/log-entry.ts';
import type { LogView } from '../log/read-log.ts';
import type { LogVersion } from '../log/timeline.ts';
import type { Feed } from '../source/feed.ts';
import { follow, type Step } from '../source/follow.ts';
import type { Delivery } from './delivery.ts';
import type { DeliveryItem } from './delivery-item.ts';
import type { Share } from './share.ts';

/** Waits between calls of `onReset` that fail, in milliseconds. */
const RETRY = { minMs: 50, maxMs: 30_000 };

export interface ReadingParts {
  readonly feed: Feed;
  readonly delivery: Delivery;
  readonly onReset: (() => unknown) | undefined;
  /** Called when more of the log was read. */
  readonly onRead: () => void;
  /**
   * Called after `onReset` if the log was replaced, to take the shares back to stored places. After that, `run` returns.
   * Default: the shares continue at the end of the new log.
   */
  readonly onReplaced?: () => Promise<void>;
  /** The generation of the horizon to which the first places belong. Default: the current one. */
  readonly generation?: number | undefined;
}

/** Returns the share that a change belongs to; undefined if the change is not delivered by this member. */
export type ShareOf = (numbered: NumberedChange) => Share | undefined;

/** Reads the log and passes changes to delivery while delivery has room. */
export class Reading {
  readonly #parts: ReadingParts;
  #resumed: PromiseWithResolvers<void> | undefined;
  /** The generation of the horizon to which the places of the shares belong. */
  #generation: number;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.#generation = parts.generation ?? parts.feed.horizon.generation;
  }

  /** The log to which the places of the shares belong; undefined if it was replaced by another. */
  get log(): LogVersion | undefined {
    const { generation, logId, timeline } = this.#parts.feed.horizon;
    return generation === this.#generation ? { logId, timeline } : undefined;
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers();
    this.#parts.delivery.pause();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
    this.#parts.delivery.resume();
  }

  /**
   * Starts at the earliest place of the shares; each share gets only changes that it has not read. Runs until the signal
   * aborts. Throws ConfigurationError if the table was taken out of the feed.
   */
  async run(view: LogView, shares: readonly Share[], shareOf: ShareOf, signal: AbortSignal): Promise<void> {
    const from = Math.min(...shares.map(({ progress }) => progress.read));
    const steps = follow(this.#parts.feed, { ...view, generation: this.#generation }, from, signal);
    for (;;) {
      const next = await this.#next(steps, signal);
      if (next.done || signal.aborted) break;
      if (next.value.isReset && !(await this.#reset(shares, next.value, signal))) break;
      if (await this.#isTakenBack(next.value, signal)) break;
      this.#accept(next.value, shares, shareOf);
      if (!this.#parts.delivery.hasRoom) await unlessAborted(this.#parts.delivery.room(), signal);
      await unlessAborted(this.#resumed?.promise, signal);
    }
    await steps.return(undefined);
  }

  /** The log may end with an error: first the changes before it are delivered. */
  async #next(steps: AsyncGenerator<Step>, signal: AbortSignal): Promise<IteratorResult<Step>> {
    try {
      return await steps.next();
    } catch (error) {
      await unlessAborted(this.#parts.delivery.idle(), signal);
      throw error;
    }
  }

  /** Notes the new generation. Returns whether the shares went back to stored places. */
  async #isTakenBack({ generation }: Step, signal: AbortSignal): Promise<boolean> {
    if (generation === undefined) return false;
    const { onReplaced } = this.#parts;
    if (onReplaced)
      await this.#untilDone(onReplaced, 'stored places cannot be read, and reading them is retried', signal);
    if (!signal.aborted) this.#generation = generation;
    return onReplaced !== undefined;
  }

  #accept({ changes, through }: Step, shares: readonly Share[], shareOf: ShareOf): void {
    const items: DeliveryItem[] = [];
    for (const numbered of changes) {
      const share = shareOf(numbered);
      if (!share?.isHeld || numbered.sequence <= share.progress.read) continue;
      share.progress.begin(numbered.sequence);
      items.push({ numbered, share, isDeadLetter: false });
    }
    for (const { progress } of shares) progress.reach(through);
    this.#parts.delivery.accept(items);
    this.#parts.onRead();
  }

  /** Waits for running calls to end, and then calls `onReset` until it succeeds. Returns whether to continue. */
  async #reset(shares: readonly Share[], { through }: Step, signal: AbortSignal): Promise<boolean> {
    const { feed, delivery, onReset } = this.#parts;
    await unlessAborted(delivery.idle(), signal);
    if (!onReset) feed.logger.warn('changes are missing before the next one, and the subscriber has no onReset');
    if (onReset) await this.#untilDone(onReset, 'onReset failed, and is called again', signal);
    if (signal.aborted) return false;
    for (const { progress } of shares) if (progress.read > through) progress.restart(through);
    return true;
  }

  async #untilDone(act: () => unknown, failed: string, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      try {
        await act();
        return;
      } catch (error) {
        const waitMs = Math.round(backoff.next());
        this.#parts.feed.logger.error({ err: error, waitMs }, failed);
        await pause(waitMs, signal);
      }
    }
  }
}

/** Waits for the promise or for the signal, whichever comes first. */
const unlessAborted = async (promise: Promise<unknown> | undefined, signal: AbortSignal): Promise<void> =>
  promise &&
  abortable(promise, signal).then(
    () => {},
    () => {},
  );
