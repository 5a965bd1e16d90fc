import { Service } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { EnforcementPoint } from './point-registry.ts';
import { HEARTBEAT_MS } from './point-workers.ts';

/** How a presence is kept up, and taken back. */
export interface PresenceParts {
  readonly logger: Logger;
  beat(): Promise<unknown>;
  leave(): Promise<unknown>;
}

/** Says that a point is served, every 10 seconds until it is stopped. Starts with a beat that was made already. */
export class Presence implements AsyncDisposable {
  readonly #parts: PresenceParts;
  readonly #beating: Service;
  #isStopped = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    let isFirst = true;
    this.#beating = new Service({
      logger: parts.logger,
      messages: {
        began: 'the heartbeat of an enforcement point failed; trying again',
        ended: 'the enforcement point has a heartbeat again',
      },
      intervalMs: HEARTBEAT_MS,
      run: async () => {
        if (!isFirst) await parts.beat();
        isFirst = false;
        return undefined;
      },
    });
    void this.#beating.start();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#beating.stop();
    await this.#parts.leave().catch((error: unknown) => {
      this.#parts.logger.warn(
        { err: error },
        'a worker could not say that it leaves its point; it counts as there for a while',
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** An announced point, with heartbeats until it is stopped. The point stays in the registry afterwards. */
export class Announcement extends Presence {
  /** As it was when it was announced. */
  readonly point: EnforcementPoint;

  /** @internal */
  constructor(point: EnforcementPoint, parts: PresenceParts) {
    super(parts);
    this.point = point;
  }
}
