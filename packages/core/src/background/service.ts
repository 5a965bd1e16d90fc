import type { Logger } from 'pino';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { Bell } from './bell.ts';
import { Outage, type OutageMessages } from './outage.ts';
import { pause } from './pause.ts';

/*
 * Every background part is a service. It can be started and stopped any number of times and in any order, reports when it
 * is ready, and handles its own errors: the begin and the end of an outage are logged once each, and in between the service
 * retries with a backoff.
 *
 * The time from a start to its stop is one life. A life begins only after the previous one has ended, so `start` during a
 * slow `stop` needs no special case, and two runs of one service never overlap.
 */

/** What a run receives. */
export interface ServiceRun {
  /** Aborts when the service is stopped. A waiting run must then return or throw soon. */
  readonly signal: AbortSignal;
  /** Reports that the service is ready. A run that returns has the same effect. */
  ready(): void;
}

export interface ServiceOptions {
  readonly logger: Logger;
  readonly messages: OutageMessages;
  /**
   * One piece of the work, e.g. one query, one round, or everything done on one connection. Returns the wait until
   * the next run, in milliseconds of any length, or undefined for `intervalMs`. After an error it is run again with a
   * backoff.
   */
  run(run: ServiceRun): Promise<number | undefined>;
  /** The wait between runs, in milliseconds; `ring` ends it. Default: no limit, the service waits for `ring`. */
  readonly intervalMs?: number;
  /** Waits after failures. `ring` does not end them. Default: from 100 ms to 10 s. */
  readonly backoff?: BackoffOptions;
  /** Whether an error is permanent. Then the service ends, and `start` and `whenReady` reject with it. Default: no error is. */
  readonly isFatal?: (error: unknown) => boolean;
  /** Fields of its log lines. Default none. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

const DEFAULT_BACKOFF: BackoffOptions = { minMs: 100, maxMs: 10_000 };

/** The time from one start to its stop. */
interface Life {
  readonly stopping: AbortController;
  readonly ready: PromiseWithResolvers<void>;
  readonly done: Promise<void>;
}

/** A background part, made from one function that does a piece of its work. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #bell = new Bell();
  readonly #outage: Outage;
  #life: Life | undefined;
  /** Resolves when the most recently stopped life has ended. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#outage = new Outage(options.logger, options.messages);
  }

  /** Whether it was started and not stopped since. */
  get isRunning(): boolean {
    return this.#life !== undefined;
  }

  /** Whether its last run failed. */
  get isDown(): boolean {
    return this.#outage.isOn;
  }

  /** Starts the service unless it is running. Resolves when it is ready, or was stopped first. Rejects only with a fatal error. */
  start(): Promise<void> {
    this.#life ??= this.#begin();
    return this.#life.ready.promise;
  }

  /** Stops the service if it is running. Resolves when its last run has ended. */
  stop(): Promise<void> {
    const life = this.#life;
    if (!life) return this.#ended;
    this.#life = undefined;
    this.#ended = life.done;
    life.stopping.abort();
    return life.done;
  }

  /** Ends the wait between runs: the current one, or the next if a run is in progress. */
  ring(): void {
    this.#bell.ring();
  }

  #begin(): Life {
    const stopping = new AbortController();
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {}); // The error is logged for callers that do not wait.
    const done = this.#ended.then(() => this.#live(stopping.signal, ready));
    return { stopping, ready, done };
  }

  async #live(signal: AbortSignal, ready: PromiseWithResolvers<void>): Promise<void> {
    const backoff = new Backoff(this.#options.backoff ?? DEFAULT_BACKOFF);
    while (!signal.aborted) {
      try {
        const waitMs = await this.#runOnce(signal, ready, backoff);
        await this.#bell.wait(waitMs, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#outage.noteFailure(error, this.#options.fields);
        if (this.#options.isFatal?.(error)) return this.#end(ready, error);
        await pause(backoff.next(), signal);
      }
    }
    ready.resolve();
  }

  async #runOnce(signal: AbortSignal, { resolve }: PromiseWithResolvers<void>, backoff: Backoff): Promise<number> {
    const ready = (): void => {
      backoff.reset();
      this.#outage.noteSuccess(this.#options.fields);
      resolve();
    };
    const waitMs = await this.#options.run({ signal, ready });
    ready();
    return waitMs ?? this.#options.intervalMs ?? Number.POSITIVE_INFINITY;
  }

  #end(ready: PromiseWithResolvers<void>, error: unknown): void {
    this.#life = undefined;
    this.#ended = Promise.resolve();
    ready.reject(error);
  }
}
