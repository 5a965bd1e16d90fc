import { OperationCancelledError } from '@intendant/core';
import { startTimer, type Timer } from '@intendant/core/internal';

/** One call of a handler: its signal, which is made only if it is asked for, and its time limit. */
export class CallLimit {
  readonly #lost: () => readonly AbortSignal[];
  readonly #timeoutMs: number;
  readonly #onLate: (error: unknown) => void;
  #late: AbortController | undefined;
  #isOver = false;

  /** `onLate` is called when the call ends after its time, with the error if it failed. */
  constructor(lost: () => readonly AbortSignal[], timeoutMs: number, onLate: (error: unknown) => void) {
    this.#lost = lost;
    this.#timeoutMs = timeoutMs;
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

  /** What the user's promise does is only ever met through one of our own: its `then` may be anybody's. */
  async #withinTime(result: PromiseLike<unknown>): Promise<void> {
    const settled = new Promise<unknown>((resolve) => resolve(result));
    let timer: Timer | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = startTimer(this.#timeoutMs, () => {
        this.#isOver = true;
        this.#late?.abort();
        reject(new OperationCancelledError(`the handler took longer than ${this.#timeoutMs} ms`));
      });
    });
    try {
      await Promise.race([settled, limit]);
    } finally {
      timer?.cancel();
      if (this.#isOver) settled.then(() => this.#onLate(undefined), this.#onLate);
    }
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
