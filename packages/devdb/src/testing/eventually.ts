import { setTimeout as delay } from 'node:timers/promises';
import { refuseUnknownOptions } from '../unknown-option.ts';

/** Limits of `eventually`, in milliseconds. */
export interface EventuallyOptions {
  /** Default 30,000, so that a busy machine fails no test. */
  readonly timeoutMs?: number;
  /** Default 20. */
  readonly intervalMs?: number;
}

/** Calls `attempt` until it does not throw, and returns its result. After the limit, throws what the last attempt threw. */
export async function eventually<T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  refuseUnknownOptions('eventually', options, ['timeoutMs', 'intervalMs']);
  const { timeoutMs = 30_000, intervalMs = 20 } = options;
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
