import { setTimeout as delay } from 'node:timers/promises';

/** Limits of `eventually`, in milliseconds. */
export interface EventuallyOptions {
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Default 20. */
  readonly intervalMs?: number;
}

/** Tries until it does not throw, and answers that; past the limit throws what the last try threw. */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { timeoutMs = 5_000, intervalMs = 20 }: EventuallyOptions = {},
): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
    }
    await delay(intervalMs);
  }
}
