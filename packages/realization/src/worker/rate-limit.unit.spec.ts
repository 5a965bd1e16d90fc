import { expect, test } from 'vitest';
import { RateLimit } from './rate-limit.ts';

test('as many attempts as the limit begin at once, and no more', () => {
  const limit = new RateLimit({ attempts: 10 }, 0);
  expect(limit.room(0)).toBe(10);
  limit.take(10);
  expect(limit.room(0)).toBe(0);
});

test('capacity is restored evenly, and not beyond the limit', () => {
  const limit = new RateLimit({ attempts: 10, intervalMs: 1000 }, 0);
  limit.take(10);
  expect(limit.waitMs(0)).toBe(100);
  expect(limit.room(100)).toBe(1);
  expect(limit.room(550)).toBe(5);
  expect(limit.room(60_000)).toBe(10);
});

test('with free capacity there is no wait', () => {
  expect(new RateLimit({ attempts: 1 }, 0).waitMs(0)).toBe(0);
});
