import type { Context, MiddlewareHandler } from 'hono';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { RefusedRequest } from './problem.ts';

/** A limit on how often one client may do something in a minute. */
export class MinuteLimit {
  readonly #limiter: RateLimiterMemory;

  constructor(perMinute: number) {
    this.#limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  }

  /** Throws a refusal with status 429 when the client has used up its minute. */
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

/** The address of the peer under `@hono/node-server`; one bucket for all where it is unknown. */
export function peerAddress(context: Context): string {
  const bindings = context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return bindings?.incoming?.socket?.remoteAddress ?? 'unknown';
}
