import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadFor } from './load.ts';

test('what many callers do at the same time is all counted', async () => {
  let calls = 0;
  const startedAt = performance.now();
  const { value } = await loadFor(16, 100, async () => {
    await setImmediate();
    calls++;
    return 2;
  });
  const units = (value * (performance.now() - startedAt)) / 1_000;
  expect(units).toBeGreaterThan(calls * 2 * 0.9);
  expect(units).toBeLessThan(calls * 2 * 1.2);
});
