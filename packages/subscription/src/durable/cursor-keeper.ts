import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Cursors are written this often at most. */
const WRITE_EVERY_MS = 200;
/** And this often when only other tables had changes. */
const WRITE_QUIETLY_EVERY_MS = 5_000;
const RETRY_MS = 1_000;

/** Writes cursors in the background: at once when something was taken care of, and then not again for a moment. */
export class CursorKeeper {
  readonly #write: () => Promise<void>;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #touched = Promise.withResolvers<void>();
  #quietTimer: NodeJS.Timeout | undefined;
  #isDown = false;

  constructor(write: () => Promise<void>, logger: Logger) {
    this.#write = write;
    this.#logger = logger;
    this.#running = this.#run();
  }

  /** Something was taken care of. */
  touch(): void {
    this.#touched.resolve();
  }

  /** More was read, and there was nothing to take care of. */
  touchQuietly(): void {
    this.#quietTimer ??= setTimeout(() => this.touch(), WRITE_QUIETLY_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.touch();
    clearTimeout(this.#quietTimer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#touched.promise;
      this.#touched = Promise.withResolvers();
      clearTimeout(this.#quietTimer);
      this.#quietTimer = undefined;
      if (signal.aborted) return;
      const isWritten = await this.#attempt();
      if (!isWritten) this.touch();
      await delay(isWritten ? WRITE_EVERY_MS : RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #attempt(): Promise<boolean> {
    try {
      await this.#write();
      if (this.#isDown) this.#logger.info('cursors are kept again');
      this.#isDown = false;
      return true;
    } catch (error) {
      const message = 'cursors cannot be kept, and are tried again; after a crash changes may be handed over again';
      if (!this.#isDown) this.#logger.warn({ reason: (error as Error).message }, message);
      this.#isDown = true;
      return false;
    }
  }
}
