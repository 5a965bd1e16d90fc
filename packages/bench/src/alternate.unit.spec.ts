import { expect, test } from 'vitest';
import { alternate } from './alternate.ts';

const figures = (...values: number[]) => {
  let turn = 0;
  return async () => values[turn++] as number;
};

test('the first turn is a warm-up, and the ratio is taken within each round', async () => {
  const results = await alternate({
    name: 'read',
    unit: 'reads/s',
    better: 'higher',
    rounds: 3,
    ours: figures(1, 20, 200, 2_000),
    peers: [{ name: 'vs-raw', peerName: 'raw', measure: figures(1_000, 10, 100, 1_000) }],
  });
  expect(results).toEqual({
    'read.vs-raw': {
      ours: 200,
      peer: 100,
      unit: 'reads/s',
      ratio: 2,
      spread: 0,
      better: 'higher',
      peerName: 'raw',
    },
  });
});

test('where lower is better a ratio over 1 still means that ours is better', async () => {
  const results = await alternate({
    name: 'startup',
    unit: 'ms',
    better: 'lower',
    rounds: 1,
    ours: figures(100, 100),
    peers: [{ name: 'vs-raw', peerName: 'raw', measure: figures(400, 400) }],
  });
  expect(results['startup.vs-raw']?.ratio).toBe(4);
});
