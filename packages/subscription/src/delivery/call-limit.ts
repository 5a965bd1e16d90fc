import { OperationCancelledError } from '@intendant/core';

/** One call of a handler: its signal, which is made only if it is asked for, and its time limit. */
export class CallLimit {
  readonly #lost: readonly AbortSignal[];
  readonly #timeoutMs: number;
  readonly #onLate: (error: unknown) => void;
  #late: AbortController | undefined;
  #isOver = false;

  /** `onLate` hears when the call ends after its time, and with what error if any. */
  constructor(lost: readonly AbortSignal[], timeoutMs: number, onLate: (error: unknown) => void) {
    this.#lost = lost;
    this.#timeoutMs = timeoutMs;
    this.#onLate = onLate;
  }

  get signal(): AbortSignal {
    this.#late ??= new AbortController();
    if (this.#isOver) this.#late.abort();
    return AbortSignal.any([...this.#lost, this.#late.signal]);
  }

  /** Rejects with what the call throws, or when its time is over. */
  async run(call: () => unknown): Promise<void> {
    const result = call();
    if (isPromise(result)) await this.#withinTime(result);
  }

  async #withinTime(result: PromiseLike<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#isOver = true;
        this.#late?.abort();
        reject(new OperationCancelledError(`the handler took longer than ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    try {
      await Promise.race([result, limit]);
    } finally {
      clearTimeout(timer);
      if (this.#isOver) result.then(() => this.#onLate(undefined), this.#onLate);
    }
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
