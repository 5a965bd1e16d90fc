import { expect, test } from 'vitest';
import type { Result } from '../result.ts';
import { judge } from './targets.ts';

const result = (changes: Partial<Result>): Result => ({
  ours: 100,
  peer: 100,
  unit: 'reads/s',
  ratio: 1,
  spread: 0,
  better: 'higher',
  peerName: 'a peer',
  ...changes,
});

test('a target set as cost is met by the inverse of the ratio', () => {
  const [verdict] = judge({ 'scoped-read.vs-raw': result({ ratio: 0.9 }) });
  expect(verdict).toMatchObject({ target: '≤ 1.15 ×', measured: '1.11 ×', isMet: true });
  expect(judge({ 'scoped-read.vs-raw': result({ ratio: 0.8 }) })[0]).toMatchObject({
    measured: '1.25 ×',
    isMet: false,
  });
});

test('a target set as a figure of ours is met by that figure, whatever the ratio', () => {
  const slow = result({ ours: 12, ratio: 5, better: 'lower' });
  expect(judge({ 'feed-latency.half-load-p50.vs-notify': slow })[0]).toMatchObject({ isMet: false });
});

test('a figure that could not be taken meets nothing', () => {
  expect(judge({ 'realize.vs-pgboss': result({ ratio: Number.NaN }) })[0]).toMatchObject({ isMet: false });
});

test('targets without a result are not judged', () => {
  expect(judge({})).toEqual([]);
});
