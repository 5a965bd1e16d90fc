import { citus, type Distribution } from '@intendant/core';
import { isOnCitus } from '@intendant/devdb/testing';
import type { SubscriptionsOptions } from '@intendant/subscription';

/** For the stores and feeds of the tests: where the run is on Citus, tables are distributed, and the feed reads the nodes' logs. */
export const onTestServer: { readonly distribution?: Distribution } = isOnCitus() ? { distribution: citus() } : {};
export const feedThere: Pick<SubscriptionsOptions, 'source'> = isOnCitus() ? { source: 'replication' } : {};
