import { ConfigurationError, type DataStore } from '@intendant/core';
import { checkOptions } from '@intendant/core/internal';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';

/** Throws ConfigurationError for an option that is missing or unknown. */
export function checkMetricsOptions(door: string, options: MetricsOptions): void {
  if (typeof options?.store !== 'object' || options.store === null)
    throw new ConfigurationError(`${door}: give the store`);
  checkOptions<MetricsOptions>(door, options, {
    store: true,
    realization: true,
    subscriptions: true,
    databaseIntervalMs: true,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: the type of the context does not matter here
type StoreOfAnyContext = DataStore<any>;
// biome-ignore lint/suspicious/noExplicitAny: the type of the context does not matter here
type RealizationOfAnyContext = Realization<any>;

/** The sources of metrics. */
export interface MetricsOptions {
  /** The store whose connection pool is measured. */
  readonly store: StoreOfAnyContext;
  /** The realization whose attempts, statuses and queues are measured. Default: none are. */
  readonly realization?: RealizationOfAnyContext;
  /** The subscriptions whose deliveries and lag are measured. Default: none are. */
  readonly subscriptions?: Subscriptions;
  /** Values of the whole database are read at most this often, however often metrics are collected. Default 10,000 ms. */
  readonly databaseIntervalMs?: number;
}
