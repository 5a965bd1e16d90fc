import type { Logger } from 'pino';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { Bell } from './bell.ts';
import { Outage, type OutageMessages } from './outage.ts';
import { pause } from './pause.ts';

/*
 * Whatever runs in the background is a service: it is started and stopped, both any number of times and in any order; a
 * stopped one can start again; it says when it is ready; and it keeps its errors to itself: an outage is logged once, its
 * end once, and in between the service tries again with a backoff.
 *
 * Each start makes a life, and a life begins only after the one before has ended. So `start` during a slow `stop` is no
 * special case, and no two runs of a service ever overlap.
 */

/** What one run of a service can know and say. */
export interface ServiceRun {
  /** Aborts when the service is stopped: a run that waits must then return or throw soon. */
  readonly signal: AbortSignal;
  /** Says that the service is ready. A run that returns has said so too. */
  ready(): void;
}

export interface ServiceOptions {
  readonly logger: Logger;
  readonly messages: OutageMessages;
  /**
   * One piece of the work: a look, a round, or a whole connection's time. Returns how long to wait before the next, in
   * milliseconds of any length; nothing for `intervalMs`. When it throws, it is run again after a backoff.
   */
  run(run: ServiceRun): Promise<number | undefined>;
  /** The wait between runs, in milliseconds; `ring` ends it. Default: until it is rung. */
  readonly intervalMs?: number;
  /** Waits after failures, which a ring does not end. Default from 100 ms to 10 s. */
  readonly backoff?: BackoffOptions;
  /** An error that trying again does not mend: the service ends, and `start` and `whenReady` reject with it. Default none. */
  readonly isFatal?: (error: unknown) => boolean;
  /** Fields of its log lines. Default none. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

const DEFAULT_BACKOFF: BackoffOptions = { minMs: 100, maxMs: 10_000 };

/** One start to its stop. */
interface Life {
  readonly stopping: AbortController;
  readonly ready: PromiseWithResolvers<void>;
  readonly done: Promise<void>;
}

/** A part that runs in the background, built of one function that does a piece of its work. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #bell = new Bell();
  readonly #outage: Outage;
  #life: Life | undefined;
  /** The end of the last life that was stopped. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#outage = new Outage(options.logger, options.messages);
  }

  /** Started, and not stopped since. */
  get isRunning(): boolean {
    return this.#life !== undefined;
  }

  /** Its last run failed. */
  get isDown(): boolean {
    return this.#outage.isOn;
  }

  /** Starts it, unless it runs. Resolves when it is ready, or was stopped before; rejects only with a fatal error. */
  start(): Promise<void> {
    this.#life ??= this.#begin();
    return this.#life.ready.promise;
  }

  /** Stops it, if it runs. Resolves when its last run has ended. */
  stop(): Promise<void> {
    const life = this.#life;
    if (!life) return this.#ended;
    this.#life = undefined;
    this.#ended = life.done;
    life.stopping.abort();
    return life.done;
  }

  /** There may be something to do: ends the wait between runs, now or as soon as it begins. */
  ring(): void {
    this.#bell.ring();
  }

  #begin(): Life {
    const stopping = new AbortController();
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {}); // Who does not wait for it hears of the error by the log.
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
