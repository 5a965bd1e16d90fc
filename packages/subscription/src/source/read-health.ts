import type { Logger } from 'pino';

/** Whether this process can read the log. Logs one line when reading begins to fail, and one when it succeeds again. */
export class ReadHealth {
  readonly #logger: Logger;
  #isDown = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  noteFailure(error: unknown): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#logger.warn({ reason: (error as Error).message }, 'the change log cannot be read, and is tried again');
  }

  noteSuccess(): void {
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#logger.info('the change log can be read again');
  }
}
