import { OperationCancelledError } from '@intendant/core';
import { startTimer, type Timer } from '@intendant/core/internal';

/**
 * The time limit for all calls of one subscription. There are many calls, and most are short. So one timer serves all
 * of them: it is set for the oldest running call, and when it fires, for the call that is then the oldest. It does not
 * keep the process running.
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

/** One call of a handler, with its time limit. Its signal is created only if the handler reads it. */
export class CallLimit {
  readonly #lost: () => readonly AbortSignal[];
  readonly #clock: CallClock;
  readonly #onLate: (error: unknown) => void;
  #late: AbortController | undefined;
  #isOver = false;

  /** `onLate` is called when the call ends after its time limit, with the error if it failed. */
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
   * Throws what the call throws. Returns undefined if the call is complete; otherwise a promise that rejects with the
   * call's error, or when the time limit expires.
   */
  run(call: () => unknown): Promise<void> | undefined {
    const result = call();
    return isPromise(result) ? this.#withinTime(result) : undefined;
  }

  /** The user's promise is wrapped in one of our own, because its `then` can be any function. */
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
