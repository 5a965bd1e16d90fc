import { expect, test } from 'vitest';
import { retryDelayMs } from './retry-policy.ts';

const policy = { limit: 4, minDelayMs: 100, maxDelayMs: 300 };

test('the delay doubles with each attempt up to the most', () => {
  expect([1, 2, 3].map((attempt) => retryDelayMs(policy, attempt, 1))).toEqual([100, 200, 300]);
});

test('half of the delay is random, so that attempts that failed together are not repeated together', () => {
  expect(retryDelayMs(policy, 2, 0)).toBe(100);
  expect(retryDelayMs(policy, 2, 0.5)).toBe(150);
});

test('there is no attempt after the last', () => {
  expect(retryDelayMs(policy, 4)).toBeNull();
  expect(retryDelayMs({ ...policy, limit: Number.POSITIVE_INFINITY }, 1_000_000, 1)).toBe(300);
});
