import type { DataStore, MetadataContext } from '@intendant/core';
import type pg from 'pg';
import type { Change } from '../change.ts';
import type { Subscription } from '../subscription.ts';
import type { Subscriptions, SubscriptionsOptions } from '../subscriptions.ts';

/** A feed with one source of changes, on a database with the tables `vm` and `note`. */
export interface FeedUnderTest {
  readonly source: Required<SubscriptionsOptions>['source'];
  readonly store: DataStore<MetadataContext>;
  readonly subscriptions: Subscriptions;
  readonly admin: pg.Client;
  /** Subscribes to a table. `seen` fills with its changes. */
  collect(table: string, options?: object): Promise<{ seen: Change[]; subscription: Subscription }>;
}
