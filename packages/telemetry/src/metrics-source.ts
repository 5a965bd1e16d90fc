import type { DataStore } from '@intendant/core';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';

/** What metrics are read from. */
export interface MetricsOptions {
  // biome-ignore lint/suspicious/noExplicitAny: a store of whatever context
  /** The store whose connection pool is measured. */
  readonly store: DataStore<any>;
  // biome-ignore lint/suspicious/noExplicitAny: a realization of whatever context
  /** The realization whose attempts, statuses and queues are measured. Default: none are. */
  readonly realization?: Realization<any>;
  /** The subscriptions whose deliveries and lag are measured. Default: none are. */
  readonly subscriptions?: Subscriptions;
  /** Values of the whole database are read at most this often, however often metrics are collected. Default 10,000 ms. */
  readonly databaseIntervalMs?: number;
}
