import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedQueues } from './keyed-queues.ts';
import { Progress } from './progress.ts';

test('whatever the order of arrival, each key is processed in order, one item at a time, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.scheduler(),
      async (keys, concurrency, batchSize, scheduler) => {
        const done: { key: string; number: number }[] = [];
        const underWay = new Set<string>();
        const queues = new KeyedQueues<{ key: string; number: number }>({
          concurrency,
          batchSize,
          work: async (items) => {
            expect(items.length).toBeLessThanOrEqual(batchSize);
            const own = new Set(items.map(({ key }) => key));
            for (const key of own) expect(underWay.has(key)).toBe(false);
            for (const key of own) underWay.add(key);
            await scheduler.schedule(Promise.resolve());
            for (const key of own) underWay.delete(key);
            done.push(...items);
          },
        });
        queues.push(keys.map((key, number) => [key, { key, number }] as const));
        await scheduler.waitFor(queues.fewerThan(1));
        expect(done).toHaveLength(keys.length);
        for (const key of new Set(keys)) {
          const numbers = done.filter((item) => item.key === key).map(({ number }) => number);
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        }
      },
    ),
  );
});

test('a place never lies beyond what is unfinished', () => {
  const progress = new Progress(10);
  for (const sequence of [12, 14, 17]) progress.begin(sequence);
  progress.reach(20);
  progress.finish(14);
  expect(progress.place).toBe(11);
  progress.finish(12);
  expect(progress.place).toBe(16);
  progress.finish(17);
  expect(progress.place).toBe(20);
});
