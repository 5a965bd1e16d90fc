import { ConfigurationError } from '@intendant/core';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { checkLabels, type Labels } from '../placement/selector.ts';
import type { CircuitBreakerOptions } from './circuit-breaker.ts';
import type { TableHandlers } from './handler.ts';
import type { RateLimitOptions } from './rate-limit.ts';
import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from './retry-policy.ts';

export interface WorkerOptions {
  /** The point this worker realizes at. Several workers, in any process, may share one. */
  readonly enforcementPoint: string;
  /**
   * Announces the point, with these labels and the handlers' tables, while the worker runs: selectors then place intents
   * there. Default: not announced; intents name the point.
   */
  readonly labels?: Labels;
  /**
   * Lets the worker start with other labels than the point had, however many resources that unrealizes there (see
   * `maxUnrealizedShare` of `createRealization`). Default false.
   */
  readonly allowUnrealize?: boolean;
  /**
   * How long a round over all resources of the point takes, in which `observe` looks at each once, for handlers that have
   * it. Infinity: no rounds. Of workers that say different things the last to start is right. Default 3,600,000 ms (an hour).
   */
  readonly resyncEveryMs?: number;
  /** One entry a table, made with `on`. */
  readonly handlers: readonly TableHandlers[];
  /** Attempts at a time in this worker. Default 16. */
  readonly concurrency?: number;
  readonly retry?: RetryOptions;
  /** Attempts that this worker begins in a time. Default: no limit. */
  readonly rateLimit?: RateLimitOptions;
  /** When this worker pauses, because its point seems to be down. Default: never. */
  readonly circuitBreaker?: CircuitBreakerOptions;
  /**
   * How long a worker may be silent before its jobs are given to others. It renews three times in that time; a process
   * whose event loop stands still for longer loses its attempts. Default 9,000 ms.
   */
  readonly leaseMs?: number;
  /** After this the signal aborts and the attempt counts as failed. Default 900,000 ms (15 minutes). */
  readonly attemptTimeoutMs?: number;
  /**
   * A handler that goes on after its time was up keeps its resource for so much longer, since two attempts at a time
   * would be worse; then it is given up, and the resource is tried again. Infinity: never, so that a handler that hangs
   * for ever holds its resource until the process ends. Default: as long as `attemptTimeoutMs`.
   */
  readonly abandonAfterMs?: number;
  /** Abort an attempt when a newer revision of its resource arrives. Default false: it may finish, and the newer one is next. */
  readonly abortOnNewerRevision?: boolean;
  /** How long `stop` lets attempts finish before it aborts them and hands their jobs back. Default 10,000 ms. */
  readonly stopTimeoutMs?: number;
  /** The longest that the worker sleeps without a look, since one long transaction holds the whole feed back. Default 2,000 ms. */
  readonly pollIntervalMs?: number;
  /** How often all workers of a point together look for resources that have no job and need one. Default 60,000 ms. */
  readonly sweepIntervalMs?: number;
}

type Optional = 'labels' | 'retry' | 'rateLimit' | 'circuitBreaker';

export type WorkerConfiguration = Required<Omit<WorkerOptions, Optional>> & {
  readonly labels: Labels | undefined;
  readonly retry: RetryPolicy;
  readonly rateLimit: RateLimitOptions | undefined;
  readonly circuitBreaker: CircuitBreakerOptions | undefined;
};

export function configureWorker(options: WorkerOptions): WorkerConfiguration {
  checkEnforcementPoint(options?.enforcementPoint);
  checkHandlers(options.handlers);
  const { rateLimit, circuitBreaker } = options;
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  const attemptTimeoutMs = positive('attemptTimeoutMs', options.attemptTimeoutMs ?? 900_000);
  positive('retry.limit', retry.limit);
  notNegative('retry.minDelayMs', retry.minDelayMs);
  notNegative('retry.maxDelayMs', retry.maxDelayMs);
  if (rateLimit) {
    positive('rateLimit.attempts', rateLimit.attempts);
    positive('rateLimit.intervalMs', rateLimit.intervalMs ?? 1000);
  }
  if (circuitBreaker) {
    positive('circuitBreaker.failures', circuitBreaker.failures);
    positive('circuitBreaker.pauseMs', circuitBreaker.pauseMs ?? 30_000);
  }
  return {
    enforcementPoint: options.enforcementPoint,
    resyncEveryMs: positive('resyncEveryMs', options.resyncEveryMs ?? 3_600_000),
    labels: options.labels && checkLabels(options.labels),
    allowUnrealize: options.allowUnrealize ?? false,
    handlers: options.handlers,
    concurrency: whole('concurrency', options.concurrency ?? 16),
    retry,
    rateLimit,
    circuitBreaker,
    leaseMs: positive('leaseMs', options.leaseMs ?? 9000),
    attemptTimeoutMs,
    abandonAfterMs: notNegative('abandonAfterMs', options.abandonAfterMs ?? attemptTimeoutMs),
    abortOnNewerRevision: options.abortOnNewerRevision ?? false,
    stopTimeoutMs: notNegative('stopTimeoutMs', options.stopTimeoutMs ?? 10_000),
    pollIntervalMs: positive('pollIntervalMs', options.pollIntervalMs ?? 2000),
    sweepIntervalMs: positive('sweepIntervalMs', options.sweepIntervalMs ?? 60_000),
  };
}

function checkHandlers(handlers: readonly TableHandlers[]): void {
  if (!Array.isArray(handlers) || handlers.length === 0)
    throw new ConfigurationError('worker: give handlers, as [on(table, { realize })]');
  if (handlers.some((one) => typeof one?.table?.name !== 'string'))
    throw new ConfigurationError('worker: handlers are for a defined table, as on(table, { realize })');
  const unfit = handlers.find(({ handlers: own }) => typeof own?.realize !== 'function');
  if (unfit)
    throw new ConfigurationError(
      `worker: the handlers of ${unfit.table.name} have no realize, a function of an intent`,
    );
  const names = handlers.map(({ table }) => table.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ConfigurationError(`worker: there are two sets of handlers for ${twice}`);
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new ConfigurationError(`worker: ${name} must be a positive number`);
}

function whole(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new ConfigurationError(`worker: ${name} must be a whole number above zero`);
}

function notNegative(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new ConfigurationError(`worker: ${name} must be a number, zero or more`);
}
