import { pause, Service, startTimer, type Timer } from '@intendant/core/internal';
import type { Logger } from 'pino';

/** Shortest interval between two writes of cursors, in milliseconds. */
const WRITE_EVERY_MS = 200;
/** Interval if only other tables had changes, in milliseconds. */
const WRITE_QUIETLY_EVERY_MS = 5_000;
const RETRY_MS = 1_000;

/** Writes cursors in the background: immediately when a change was completed, and then not again for a short time. */
export class CursorKeeper {
  readonly #write: () => Promise<void>;
  readonly #service: Service;
  #quietTimer: Timer | undefined;

  constructor(write: () => Promise<void>, logger: Logger) {
    this.#write = write;
    this.#service = new Service({
      logger,
      messages: {
        began: 'cursors cannot be stored; storing is retried, and after a crash changes may be delivered again',
        ended: 'cursors are stored again',
      },
      run: ({ signal }) => this.#run(signal),
      backoff: { minMs: RETRY_MS, maxMs: RETRY_MS },
    });
  }

  start(): Promise<void> {
    return this.#service.start();
  }

  /** Called when a change was completed. */
  touch(): void {
    this.#service.ring();
  }

  /** Called when more of the log was read and none of it is for this subscription. */
  touchQuietly(): void {
    this.#quietTimer ??= startTimer(WRITE_QUIETLY_EVERY_MS, () => this.touch(), { keepsProcess: false });
  }

  async stop(): Promise<void> {
    this.#cancelQuietTimer();
    await this.#service.stop();
  }

  async #run(signal: AbortSignal): Promise<undefined> {
    this.#cancelQuietTimer();
    await this.#write();
    await pause(WRITE_EVERY_MS, signal);
  }

  #cancelQuietTimer(): void {
    this.#quietTimer?.cancel();
    this.#quietTimer = undefined;
  }
}
