import { OperationCancelledError } from '@intendant/core';
import { startTimer, type Timer } from '@intendant/core/internal';

/**
 * The time limit of all calls of one subscription. Calls are many and mostly short, so there is one timer for all: it is set
 * for the oldest call that is under way, and when it fires, for the one that is then the oldest. It does not keep the process running.
 */
export class CallClock {
  readonly timeoutMs: number;
  readonly #running = new Set<RunningCall>();
  #timer: Timer | undefined;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  begin(call: RunningCall): void {
    this.#running.add(call);
    if (!this.#timer) this.#wait(this.timeoutMs);
  }

  end(call: RunningCall): void {
    this.#running.delete(call);
  }

  #wait(waitMs: number): void {
    if (this.timeoutMs !== Number.POSITIVE_INFINITY)
      this.#timer = startTimer(waitMs, () => this.#expire(), { keepsProcess: false });
  }

  #expire(): void {
    for (const call of this.#running) {
      const leftMs = call.startedAt + this.timeoutMs - performance.now();
      if (leftMs > 0) {
        this.#wait(leftMs);
        return;
      }
      this.#running.delete(call);
      call.expire();
    }
    this.#timer = undefined;
  }
}

interface RunningCall {
  readonly startedAt: number;
  expire(): void;
}

/** One call of a handler: its signal, which is made only if it is asked for, and its time limit. */
export class CallLimit {
  readonly #lost: () => readonly AbortSignal[];
  readonly #clock: CallClock;
  readonly #onLate: (error: unknown) => void;
  #late: AbortController | undefined;
  #isOver = false;

  /** `onLate` is called when the call ends after its time, with the error if it failed. */
  constructor(lost: () => readonly AbortSignal[], clock: CallClock, onLate: (error: unknown) => void) {
    this.#lost = lost;
    this.#clock = clock;
    this.#onLate = onLate;
  }

  get signal(): AbortSignal {
    this.#late ??= new AbortController();
    if (this.#isOver) this.#late.abort();
    return AbortSignal.any([...new Set(this.#lost()), this.#late.signal]);
  }

  /**
   * Throws what the call throws. Returns undefined when it is over, else a promise that rejects with what the call rejects
   * with, or when its time is over.
   */
  run(call: () => unknown): Promise<void> | undefined {
    const result = call();
    return isPromise(result) ? this.#withinTime(result) : undefined;
  }

  /** The user's promise is wrapped in one of our own, because its `then` may be any function. */
  #withinTime(result: PromiseLike<unknown>): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const running = { startedAt: performance.now(), expire: () => reject(this.#expire()) };
      this.#clock.begin(running);
      const end = (settle: () => void, error?: unknown): void => {
        this.#clock.end(running);
        if (this.#isOver) this.#onLate(error);
        else settle();
      };
      new Promise<unknown>((settled) => settled(result)).then(
        () => end(resolve),
        (error) => end(() => reject(error), error),
      );
    });
  }

  #expire(): OperationCancelledError {
    this.#isOver = true;
    this.#late?.abort();
    return new OperationCancelledError(`the handler took longer than ${this.#clock.timeoutMs} ms`);
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
