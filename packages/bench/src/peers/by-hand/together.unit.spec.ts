import { expect, test } from 'vitest';
import { together } from './together.ts';

test('requests during a write are written together by the next one', async () => {
  const writes: number[][] = [];
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const add = together(async (items: number[]) => {
    writes.push(items);
    begun.resolve();
    await ended.promise;
    return items.length;
  });
  const first = add(1);
  await begun.promise;
  const later = [add(2), add(3)];
  ended.resolve();
  expect(await Promise.all([first, ...later])).toEqual([1, 2, 2]);
  expect(writes).toEqual([[1], [2, 3]]);
});

test('a failing write affects only its batch', async () => {
  const add = together(async (items: number[]) => {
    if (items.includes(1)) throw new Error('no');
    return items;
  });
  await expect(add(1)).rejects.toThrow('no');
  expect(await add(2)).toEqual([2]);
});
