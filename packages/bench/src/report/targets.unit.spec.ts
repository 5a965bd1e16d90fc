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

test('targets without a result are not evaluated', () => {
  expect(judge({})).toEqual([]);
});

test('the reason for a missed target comes from the figures of the run', () => {
  const reasonOf = (changes: Partial<Result>) => judge({ 'feed-tax.vs-none': result(changes) })[0]?.reason;
  expect(reasonOf({ ours: 700, peer: 1_000, ratio: 0.7, spread: 0.02 })).toBe(
    '700 reads/s; a peer: 1,000 reads/s. The difference to the target, 7 %, is larger than the spread of the rounds (2 %).',
  );
  expect(reasonOf({ ratio: 0.7, spread: 0.2 })).toContain('so this run does not decide it');
  expect(reasonOf({ ratio: Number.NaN })).toBe('100 reads/s; a peer: 100 reads/s.');
  expect(reasonOf({ ratio: 0.8 })).toBeUndefined();
});
