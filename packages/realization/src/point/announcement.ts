import type { Logger } from 'pino';
import type { EnforcementPoint } from './point-registry.ts';

/** How often an announced point says that it is there. */
const HEARTBEAT_MS = 10_000;

/** A point that is announced, and says that it is there until this is stopped. It stays in the registry afterwards. */
export class Announcement implements AsyncDisposable {
  readonly point: EnforcementPoint;
  readonly #beat: () => Promise<void>;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> | undefined;
  #hasFailed = false;

  /** @internal */
  constructor(point: EnforcementPoint, beat: () => Promise<void>, logger: Logger) {
    this.point = point;
    this.#beat = beat;
    this.#logger = logger;
    this.#timer = setInterval(() => this.#beatOnce(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #beatOnce(): void {
    this.#beating ??= this.#beat()
      .then(() => {
        this.#hasFailed = false;
      })
      .catch((error: unknown) => {
        if (!this.#hasFailed) this.#logger.warn({ err: error }, 'the heartbeat of an enforcement point failed');
        this.#hasFailed = true;
      })
      .finally(() => {
        this.#beating = undefined;
      });
  }
}
