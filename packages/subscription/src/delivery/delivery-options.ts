import { ConfigurationError } from '@intendant/core';
import { checkCount, checkDuration } from '@intendant/core/internal';

/** How changes are delivered to the handler. */
export interface DeliveryOptions {
  /**
   * Largest number of simultaneous calls. With more than one, changes of one row are still delivered one after the
   * other. Default 1: in the order of positions.
   */
  readonly concurrency?: number;
  /**
   * Approximate limit of changes that were read and are not yet completed. It bounds the memory that a slow handler
   * needs. Default 1,000.
   */
  readonly maxBuffered?: number;
  /**
   * Time limit of one call, in milliseconds; Infinity: no limit. A call that takes longer counts as failed, even if it
   * returns later. Default 300,000.
   */
  readonly handlerTimeoutMs?: number;
  /**
   * The wait before a failed change is delivered again, in milliseconds; it doubles with each failure. A random part,
   * up to half, is left out, so that changes that failed together are not retried together. Default 50.
   */
  readonly backoffMs?: number;
  /** The longest such wait, in milliseconds. Default 30,000. */
  readonly maxBackoffMs?: number;
}

export interface DeliveryLimits {
  readonly concurrency: number;
  readonly batchSize: number;
  readonly maxBuffered: number;
  readonly handlerTimeoutMs: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly maxAttempts: number;
}

/** With the default backoff about six minutes. */
const DURABLE_ATTEMPTS = 20;

export interface GivenLimits extends DeliveryOptions {
  readonly batchSize?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly name?: string | undefined;
}

/** Returns the limits with their defaults. Throws ConfigurationError that names the invalid option. */
export function readLimits(given: GivenLimits): DeliveryLimits {
  const isDurable = given.name !== undefined;
  if (given.maxAttempts !== undefined && !isDurable) {
    throw new ConfigurationError(
      'subscribe: maxAttempts needs a name, because only a durable subscription stores dead letters',
    );
  }
  const { backoffMs, maxBackoffMs } = readBackoff(given);
  return {
    concurrency: checkCount('concurrency', given.concurrency ?? 1),
    batchSize: checkCount('batchSize', given.batchSize ?? 1),
    maxBuffered: checkCount('maxBuffered', given.maxBuffered ?? 1_000),
    handlerTimeoutMs: checkDuration('handlerTimeoutMs', given.handlerTimeoutMs ?? 300_000, { allowInfinity: true }),
    backoffMs,
    maxBackoffMs,
    maxAttempts: isDurable
      ? checkCount('maxAttempts', given.maxAttempts ?? DURABLE_ATTEMPTS, { allowInfinity: true })
      : Number.POSITIVE_INFINITY,
  };
}

function readBackoff(given: DeliveryOptions): { readonly backoffMs: number; readonly maxBackoffMs: number } {
  const backoffMs = checkDuration('backoffMs', given.backoffMs ?? 50);
  const maxBackoffMs = checkDuration('maxBackoffMs', given.maxBackoffMs ?? Math.max(30_000, backoffMs));
  if (given.backoffMs === undefined || backoffMs <= maxBackoffMs) return { backoffMs, maxBackoffMs };
  throw new ConfigurationError(`maxBackoffMs (${maxBackoffMs}) must not be less than backoffMs (${backoffMs})`, {
    details: { option: 'maxBackoffMs' },
  });
}
