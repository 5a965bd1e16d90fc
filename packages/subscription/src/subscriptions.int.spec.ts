import { cannotHoldOnCitus, isOnCitus } from '@intendant/devdb/testing';
import { describe, expect, test } from 'vitest';
import { createSubscriptions } from './index.ts';
import { feedCases } from './testing/feed-cases.ts';

describe.skipIf(cannotHoldOnCitus('a trigger on a shard cannot reach the log, which is on the coordinator'))(
  'a feed from triggers',
  async () => {
    if (!isOnCitus()) await feedCases('triggers');
    else test('is not run', () => {});
  },
);

test('subscriptions without a store are refused by name', async () => {
  await expect(createSubscriptions(undefined as never)).rejects.toThrow(
    'createSubscriptions: the option store is missing',
  );
  await expect(createSubscriptions({} as never)).rejects.toThrow('createSubscriptions: the option store is missing');
});
