import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadFor } from './load.ts';

test('operations of simultaneous callers are all counted', async () => {
  let calls = 0;
  const startedAt = performance.now();
  const { value } = await loadFor(16, 100, async () => {
    await setImmediate();
    calls++;
    return 2;
  });
  const units = (value * (performance.now() - startedAt)) / 1_000;
  expect(units).toBeGreaterThan(calls * 2 * 0.5);
  expect(units).toBeLessThan(calls * 2 * 1.5);
});

test('a rate is not exceeded, however fast the work is', async () => {
  let calls = 0;
  const startedAt = performance.now();
  await loadFor(
    4,
    200,
    async () => {
      calls++;
      return undefined;
    },
    100,
  );
  expect(calls).toBeLessThanOrEqual(4 + (performance.now() - startedAt) / 10);
  expect(calls).toBeGreaterThan(0);
});
