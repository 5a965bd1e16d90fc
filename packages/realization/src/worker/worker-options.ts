import { type AnyTable, ConfigurationError } from '@intendant/core';
import { checkCount, checkDuration, checkOptions } from '@intendant/core/internal';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { checkLabels, type Labels } from '../placement/selector.ts';
import type { CircuitBreakerOptions } from './circuit-breaker.ts';
import type { Handlers, TableHandlers } from './handler.ts';
import type { RateLimitOptions } from './rate-limit.ts';
import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from './retry-policy.ts';

/** Options of `realization.worker`. */
export interface WorkerOptions {
  /** The point at which this worker realizes intents. Several workers, in any process, may serve the same point. */
  readonly enforcementPoint: string;
  /**
   * Announces the point, with these labels and the handlers' tables, while the worker runs: selectors then place intents
   * there. Default: not announced; intents name the point.
   */
  readonly labels?: Labels;
  /**
   * Lets the worker change the labels of the point, even if this unrealizes many resources there (see
   * `maxUnrealizedShare` of `createRealization`). Default false.
   */
  readonly allowUnrealize?: boolean;
  /**
   * Duration of a round over all resources of the point, in which `observe` checks each resource once (if the handlers
   * have it). Infinity: no rounds. If workers differ, the most recently started one wins. Default 3,600,000 ms (an
   * hour).
   */
  readonly resyncEveryMs?: number;
  /** The handlers, one entry per table, made with `on`. */
  readonly handlers: readonly TableHandlers[];
  /** Largest number of simultaneous attempts of this worker. Default 16. */
  readonly concurrency?: number;
  /** How often and after which delay failed attempts are repeated. Default: see `RetryOptions`. */
  readonly retry?: RetryOptions;
  /** The largest number of attempts that this worker begins in an interval. Default: no limit. */
  readonly rateLimit?: RateLimitOptions;
  /** When this worker pauses because its point seems to be down. Default: never. */
  readonly circuitBreaker?: CircuitBreakerOptions;
  /**
   * The time after which the jobs of a worker that does not renew its claims are given to others. It renews three
   * times in that time; a process whose event loop is blocked for longer loses its attempts. Default 9,000 ms.
   */
  readonly leaseMs?: number;
  /** Time limit of an attempt: after it the signal aborts, and the attempt counts as failed. Default 900,000 ms (15 minutes). */
  readonly attemptTimeoutMs?: number;
  /**
   * How long a handler that continues after `attemptTimeoutMs` still blocks its resource, so that no second attempt
   * runs at the same time. After that it is abandoned and the resource is retried. Infinity: never; then a handler that
   * does not return blocks its resource until the process ends. Default: `attemptTimeoutMs`.
   */
  readonly abandonAfterMs?: number;
  /**
   * Whether a newer revision of the resource aborts the attempt. Default false: the attempt may finish, and the newer
   * revision is next.
   */
  readonly abortOnNewerRevision?: boolean;
  /** How long `stop` waits for attempts to finish before it aborts them and hands their jobs back. Default 10,000 ms. */
  readonly stopTimeoutMs?: number;
  /**
   * The longest time for which the worker sleeps without checking for jobs, because one long transaction delays the
   * whole feed. Default 2,000 ms.
   */
  readonly pollIntervalMs?: number;
  /** Interval at which the workers of a point, together, look for resources that need a job and have none. Default 60,000 ms. */
  readonly sweepIntervalMs?: number;
}

type Optional = 'labels' | 'retry' | 'rateLimit' | 'circuitBreaker';

export type WorkerConfiguration = Required<Omit<WorkerOptions, Optional>> & {
  readonly labels: Labels | undefined;
  readonly retry: RetryPolicy;
  readonly rateLimit: RateLimitOptions | undefined;
  readonly circuitBreaker: CircuitBreakerOptions | undefined;
};

/** The largest accepted duration, about 30 years; Postgres can still add it to a time. */
const MAX_MS = 1e12;
/** A shorter lease would be renewed all the time, and would be lost at any pause of the process. */
const MIN_LEASE_MS = 100;

const LIMIT = { max: MAX_MS } as const;
const ALLOW_INFINITY = { allowInfinity: true } as const;

/** Throws ConfigurationError for an unknown, missing or invalid option. */
export function configureWorker(options: WorkerOptions): WorkerConfiguration {
  checkNames(options);
  checkHandlers(options.handlers);
  const attemptTimeoutMs = checkDuration('attemptTimeoutMs', options.attemptTimeoutMs ?? 900_000, ALLOW_INFINITY);
  const { pollIntervalMs = 2000, sweepIntervalMs = 60_000, leaseMs = 9000, stopTimeoutMs = 10_000 } = options;
  return {
    enforcementPoint: options.enforcementPoint,
    resyncEveryMs: checkDuration('resyncEveryMs', options.resyncEveryMs ?? 3_600_000, ALLOW_INFINITY),
    labels: options.labels && checkLabels(options.labels),
    allowUnrealize: options.allowUnrealize ?? false,
    handlers: options.handlers,
    concurrency: checkCount('concurrency', options.concurrency ?? 16),
    retry: configureRetry(options.retry),
    rateLimit: checkRateLimit(options.rateLimit),
    circuitBreaker: checkCircuitBreaker(options.circuitBreaker),
    leaseMs: checkDuration('leaseMs', leaseMs, { min: MIN_LEASE_MS, ...LIMIT }),
    attemptTimeoutMs,
    abandonAfterMs: checkDuration('abandonAfterMs', options.abandonAfterMs ?? attemptTimeoutMs, {
      min: 0,
      ...ALLOW_INFINITY,
    }),
    abortOnNewerRevision: options.abortOnNewerRevision ?? false,
    stopTimeoutMs: checkDuration('stopTimeoutMs', stopTimeoutMs, { min: 0, ...ALLOW_INFINITY }),
    pollIntervalMs: checkDuration('pollIntervalMs', pollIntervalMs, LIMIT),
    sweepIntervalMs: checkDuration('sweepIntervalMs', sweepIntervalMs, LIMIT),
  };
}

function checkNames(options: WorkerOptions): void {
  if (typeof options?.enforcementPoint !== 'string')
    throw new ConfigurationError('worker: give enforcementPoint, the id of the point that the worker serves');
  checkOptions<WorkerOptions>('worker', options, {
    enforcementPoint: true,
    labels: true,
    allowUnrealize: true,
    resyncEveryMs: true,
    handlers: true,
    concurrency: true,
    retry: true,
    rateLimit: true,
    circuitBreaker: true,
    leaseMs: true,
    attemptTimeoutMs: true,
    abandonAfterMs: true,
    abortOnNewerRevision: true,
    stopTimeoutMs: true,
    pollIntervalMs: true,
    sweepIntervalMs: true,
  });
  checkEnforcementPoint(options.enforcementPoint);
}

function configureRetry(options: RetryOptions | undefined): RetryPolicy {
  checkOptions<RetryOptions>('retry', options, { limit: true, minDelayMs: true, maxDelayMs: true });
  const { limit, minDelayMs, maxDelayMs } = { ...DEFAULT_RETRY, ...options };
  return {
    limit: checkCount('retry.limit', limit, ALLOW_INFINITY),
    minDelayMs: checkDuration('retry.minDelayMs', minDelayMs, { min: 0, ...LIMIT }),
    maxDelayMs: checkDuration('retry.maxDelayMs', maxDelayMs, { min: 0, ...LIMIT }),
  };
}

function checkRateLimit(options: RateLimitOptions | undefined): RateLimitOptions | undefined {
  if (options === undefined) return undefined;
  checkOptions<RateLimitOptions>('rateLimit', options, { attempts: true, intervalMs: true });
  checkCount('rateLimit.attempts', options.attempts);
  checkDuration('rateLimit.intervalMs', options.intervalMs ?? 1000, LIMIT);
  return options;
}

function checkCircuitBreaker(options: CircuitBreakerOptions | undefined): CircuitBreakerOptions | undefined {
  if (options === undefined) return undefined;
  checkOptions<CircuitBreakerOptions>('circuitBreaker', options, { failures: true, pauseMs: true });
  checkCount('circuitBreaker.failures', options.failures);
  checkDuration('circuitBreaker.pauseMs', options.pauseMs ?? 30_000, LIMIT);
  return options;
}

/** An object literal contains only handlers; an instance of a class may have other members. */
function checkFunctions(handlers: Handlers<AnyTable> | undefined): void {
  if (handlers === undefined || Object.getPrototypeOf(handlers ?? Object) !== Object.prototype) return;
  checkOptions<Handlers<AnyTable>>('worker, handlers', handlers, { realize: true, unrealize: true, observe: true });
}

function checkHandlers(handlers: readonly TableHandlers[]): void {
  if (!Array.isArray(handlers) || handlers.length === 0)
    throw new ConfigurationError('worker: give handlers, as [on(table, { realize })]');
  if (handlers.some((one) => typeof one?.table?.name !== 'string'))
    throw new ConfigurationError('worker: make handlers with on(table, { realize }), where table is a defined table');
  for (const { handlers: own } of handlers) checkFunctions(own);
  const invalid = handlers.find(({ handlers: own }) => typeof own?.realize !== 'function');
  if (invalid)
    throw new ConfigurationError(
      `worker: the handlers of ${invalid.table.name} must contain realize, a function that takes an intent`,
    );
  const names = handlers.map(({ table }) => table.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ConfigurationError(`worker: table ${twice} has two sets of handlers; pass one`);
}
