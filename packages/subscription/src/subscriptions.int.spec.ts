import { expect, test } from 'vitest';
import { createSubscriptions } from './index.ts';
import { feedCases } from './testing/feed-cases.ts';

await feedCases('triggers');

test('subscriptions without a store are refused by name', async () => {
  await expect(createSubscriptions(undefined as never)).rejects.toThrow(
    'createSubscriptions: the option store is missing',
  );
  await expect(createSubscriptions({} as never)).rejects.toThrow('createSubscriptions: the option store is missing');
});
