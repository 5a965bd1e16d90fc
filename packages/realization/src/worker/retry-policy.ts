import { DEFAULT_ATTEMPTS } from '../job/queue-settings.ts';

/** When a failed attempt is repeated. */
export interface RetryOptions {
  /** Number of attempts, including the first. Infinity: no limit. Default 20. */
  readonly limit?: number;
  /** Delay before the second attempt, in milliseconds. It doubles with each further one. Default 1,000. */
  readonly minDelayMs?: number;
  /** The longest delay, in milliseconds. Default 300,000 (5 minutes). */
  readonly maxDelayMs?: number;
}

export type RetryPolicy = Required<RetryOptions>;

export const DEFAULT_RETRY: RetryPolicy = { limit: DEFAULT_ATTEMPTS, minDelayMs: 1000, maxDelayMs: 300_000 };

/**
 * Exponential backoff with jitter: a random delay between half and all of min * 2^(attempt - 1), so that attempts which
 * failed together are not retried together. Null when the attempts are used up.
 */
export function retryDelayMs(
  { limit, minDelayMs, maxDelayMs }: RetryPolicy,
  attempt: number,
  random = Math.random(),
): number | null {
  if (attempt >= limit) return null;
  const full = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full / 2 + (full / 2) * random);
}
