import { ConfigurationError } from '@intendant/core';
import type { Logger } from 'pino';

/** The end of a subscription: by `close`, or by itself with an error. */
export class SubscriptionEnd {
  readonly #logger: Logger;
  readonly #onError: ((error: Error) => unknown) | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #error: Error | undefined;
  #isClosed = false;

  constructor(logger: Logger, onError: ((error: Error) => unknown) | undefined) {
    this.#logger = logger;
    this.#onError = onError;
    this.closed.catch(() => {}); // The error is also logged, for callers that do not wait for `closed`.
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** Returns false if the subscription had already failed. */
  fail(error: Error): boolean {
    if (this.#error) return false;
    this.#error = error;
    this.#closed.reject(error);
    this.#logger.error({ err: error }, 'a subscription has ended with an error');
    void this.#reportEnd(error);
    return true;
  }

  /** Throws if the subscription has ended: its error, or that it was closed. */
  check(): void {
    if (this.#error) throw this.#error;
    if (this.#isClosed) throw new ConfigurationError('this subscription is closed; subscribe again');
  }

  /** Has no effect after `fail`. */
  close(): void {
    this.#isClosed = true;
    this.#closed.resolve();
  }

  async #reportEnd(error: Error): Promise<void> {
    try {
      await this.#onError?.(error);
    } catch {
      this.#logger.error('onError of a subscription threw');
    }
  }
}
