import type { Context, MiddlewareHandler } from 'hono';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { RefusedRequest } from './problem.ts';

/** A limit on the number of requests of one client per minute. */
export class MinuteLimit {
  readonly #limiter: RateLimiterMemory;

  constructor(perMinute: number) {
    this.#limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  }

  /** Throws an error with status 429 if the client has reached the limit of this minute. */
  async take(client: string): Promise<void> {
    try {
      await this.#limiter.consume(client);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      throw new RefusedRequest(429, `Too many requests. Try again in ${seconds} s.`, {
        headers: { 'retry-after': String(seconds) },
      });
    }
  }
}

export const limitRate =
  (limit: MinuteLimit, clientOf: (context: Context) => string): MiddlewareHandler =>
  async (context, next) => {
    await limit.take(clientOf(context));
    await next();
  };

/** The address of the client under `@hono/node-server`. Clients whose address is unknown share one limit. */
export function peerAddress(context: Context): string {
  const bindings = context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return bindings?.incoming?.socket?.remoteAddress ?? 'unknown';
}
