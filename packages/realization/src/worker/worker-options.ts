import { ConfigurationError } from '@intendant/core';
import { checkEnforcementPoint } from '../point/enforcement-point.ts';
import type { TableHandlers } from './handler.ts';
import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from './retry-policy.ts';

export interface WorkerOptions {
  /** The point this worker realizes at. Several workers, in any process, may share one. */
  readonly enforcementPoint: string;
  /** One entry a table, made with `on`. */
  readonly handlers: readonly TableHandlers[];
  /** Attempts at a time in this worker. Default 16. */
  readonly concurrency?: number;
  readonly retry?: RetryOptions;
  /**
   * How long a worker may be silent before its jobs are given to others. It renews three times in that time; a process
   * whose event loop stands still for longer loses its attempts. Default 9,000 ms.
   */
  readonly leaseMs?: number;
  /**
   * After this the signal aborts and the attempt counts as failed. A handler that goes on regardless keeps its resource
   * until it returns, since two attempts at a time would be worse. Default 900,000 ms (15 minutes).
   */
  readonly attemptTimeoutMs?: number;
  /** Abort an attempt when a newer revision of its resource arrives. Default false: it may finish, and the newer one is next. */
  readonly abortOnNewerRevision?: boolean;
  /** How long `stop` lets attempts finish before it aborts them and hands their jobs back. Default 10,000 ms. */
  readonly stopTimeoutMs?: number;
  /** The longest that the worker sleeps without a look, since one long transaction holds the whole feed back. Default 2,000 ms. */
  readonly pollIntervalMs?: number;
}

export type WorkerConfiguration = Required<Omit<WorkerOptions, 'retry'>> & { readonly retry: RetryPolicy };

export function configureWorker(options: WorkerOptions): WorkerConfiguration {
  checkEnforcementPoint(options.enforcementPoint);
  checkHandlers(options.handlers);
  const configuration = {
    enforcementPoint: options.enforcementPoint,
    handlers: options.handlers,
    concurrency: positive('concurrency', options.concurrency ?? 16),
    retry: { ...DEFAULT_RETRY, ...options.retry },
    leaseMs: positive('leaseMs', options.leaseMs ?? 9000),
    attemptTimeoutMs: positive('attemptTimeoutMs', options.attemptTimeoutMs ?? 900_000),
    abortOnNewerRevision: options.abortOnNewerRevision ?? false,
    stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
    pollIntervalMs: positive('pollIntervalMs', options.pollIntervalMs ?? 2000),
  };
  positive('retry.limit', configuration.retry.limit);
  return configuration;
}

function checkHandlers(handlers: readonly TableHandlers[]): void {
  if (!Array.isArray(handlers) || handlers.length === 0)
    throw new ConfigurationError('worker: give handlers, as [on(table, { realize })]');
  const names = handlers.map(({ table }) => table.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ConfigurationError(`worker: there are two sets of handlers for ${twice}`);
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new ConfigurationError(`worker: ${name} must be a positive number`);
}
