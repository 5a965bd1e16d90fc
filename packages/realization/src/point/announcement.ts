import { Service } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { EnforcementPoint } from './point-registry.ts';
import { HEARTBEAT_MS } from './point-workers.ts';

/** How a presence sends heartbeats, and how it is removed. */
export interface PresenceParts {
  readonly logger: Logger;
  heartbeat(): Promise<unknown>;
  leave(): Promise<unknown>;
}

/** Reports that a point is served, every 10 seconds until it is stopped. The first heartbeat was sent before. */
export class Presence implements AsyncDisposable {
  readonly #parts: PresenceParts;
  readonly #heartbeat: Service;
  #isStopped = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    let isFirst = true;
    this.#heartbeat = new Service({
      logger: parts.logger,
      messages: {
        began: 'the heartbeat of an enforcement point failed; trying again',
        ended: 'the enforcement point has a heartbeat again',
      },
      intervalMs: HEARTBEAT_MS,
      run: async () => {
        if (!isFirst) await parts.heartbeat();
        isFirst = false;
        return undefined;
      },
    });
    void this.#heartbeat.start();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#heartbeat.stop();
    await this.#parts.leave().catch((error: unknown) => {
      this.#parts.logger.warn(
        { err: error },
        'a worker could not report that it left its point; it counts as present for a while',
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** An announced point, with heartbeats until it is stopped. The point stays in the registry afterwards. */
export class Announcement extends Presence {
  /** The point at the time of the announcement. */
  readonly point: EnforcementPoint;

  /** @internal */
  constructor(point: EnforcementPoint, parts: PresenceParts) {
    super(parts);
    this.point = point;
  }
}
