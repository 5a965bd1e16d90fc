import { ConfigurationError, type DataStore } from '@intendant/core';
import { checkDuration, checkOptions } from '@intendant/core/internal';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';

/** Throws ConfigurationError for an option that is missing or unknown. */
export function checkMetricsOptions(caller: string, options: MetricsOptions): void {
  if (typeof options?.store !== 'object' || options.store === null)
    throw new ConfigurationError(
      `${caller}: the option store is missing; pass the store that createDataStore returned`,
    );
  checkOptions<MetricsOptions>(caller, options, {
    store: true,
    realization: true,
    subscriptions: true,
    databaseIntervalMs: true,
  });
  const { databaseIntervalMs } = options;
  if (databaseIntervalMs !== undefined) checkDuration(`${caller}: databaseIntervalMs`, databaseIntervalMs, { min: 0 });
}

// biome-ignore lint/suspicious/noExplicitAny: the type of the context does not matter here
type StoreOfAnyContext = DataStore<any>;
// biome-ignore lint/suspicious/noExplicitAny: the type of the context does not matter here
type RealizationOfAnyContext = Realization<any>;

/** The sources of metrics. */
export interface MetricsOptions {
  /** The store whose connection pool is measured. */
  readonly store: StoreOfAnyContext;
  /** The realization whose statuses and queues are measured. Default: they are not measured. */
  readonly realization?: RealizationOfAnyContext;
  /** The subscriptions whose lag, members and dead letters are measured. Default: they are not measured. */
  readonly subscriptions?: Subscriptions;
  /** Shortest time between two reads of the database, in milliseconds. Collections in between reuse its values. Default 10,000. */
  readonly databaseIntervalMs?: number;
}
