import { ConfigurationError } from '@intendant/core';

/** How changes are handed over. */
export interface DeliveryOptions {
  /** Calls at a time. With more than one, changes of one row still come one after the other. Default 1: in the order of positions. */
  readonly concurrency?: number;
  /** Changes read but not yet taken care of, at most about this many: what a slow handler holds in memory. Default 1,000. */
  readonly maxBuffered?: number;
  /** A call that takes longer counts as failed, in milliseconds. If it returns after all, that changes nothing. Default 300,000. */
  readonly handlerTimeoutMs?: number;
  /** The wait before a failed change is handed over again, doubled each time, in milliseconds. Default 50. */
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
/** What a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

const DEFAULTS = {
  concurrency: 1,
  batchSize: 1,
  maxBuffered: 1_000,
  handlerTimeoutMs: 300_000,
  backoffMs: 50,
  maxBackoffMs: 30_000,
};

export interface GivenLimits extends DeliveryOptions {
  readonly batchSize?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly name?: string | undefined;
}

/** Throws ConfigurationError for what is no positive whole number. */
export function readLimits(given: GivenLimits): DeliveryLimits {
  const isDurable = given.name !== undefined;
  if (given.maxAttempts !== undefined && !isDurable) {
    throw new ConfigurationError(
      'subscribe: maxAttempts needs a name, since only a durable subscription can put a change aside',
    );
  }
  const maxAttempts = isDurable ? (given.maxAttempts ?? DURABLE_ATTEMPTS) : Number.POSITIVE_INFINITY;
  const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
  const limits = Object.fromEntries(names.map((name) => [name, given[name] ?? DEFAULTS[name]]));
  for (const [name, value] of Object.entries({ ...limits, ...(isDurable && { maxAttempts }) })) check(name, value);
  return { ...(limits as typeof DEFAULTS), maxAttempts };
}

function check(name: string, value: unknown): void {
  const isUnlimited = name === 'maxAttempts' && value === Number.POSITIVE_INFINITY;
  if (isUnlimited || (Number.isInteger(value) && (value as number) > 0 && (value as number) <= LONGEST_MS)) return;
  throw new ConfigurationError(
    `subscribe: ${name} is ${String(value)}, and must be a whole number from 1 to ${LONGEST_MS}`,
  );
}
