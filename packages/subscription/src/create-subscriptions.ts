import { PostgresSubscriptions } from './postgres-subscriptions.ts';
import type { Subscriptions, SubscriptionsOptions } from './subscriptions.ts';

/**
 * Opens the feed: installs the change log and its triggers, listens for announcements, and takes part in the relay.
 * Close it before its store. If the store is closed first, it closes the feed.
 *
 * Throws ConfigurationError or ConnectionError.
 */
export async function createSubscriptions(options: SubscriptionsOptions): Promise<Subscriptions> {
  const subscriptions = new PostgresSubscriptions(options);
  await subscriptions.open();
  return subscriptions;
}
