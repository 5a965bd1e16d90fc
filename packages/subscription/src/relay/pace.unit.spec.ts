import { expect, test } from 'vitest';
import { NumberRate, PollPause, RingRate, Silence } from './pace.ts';

test('a thousand rings a second are a high rate, and so are fewer if three checks find writers busy', () => {
  const rate = new RingRate();
  for (let at = 0; at < 400; at += 2) rate.noteRing(at);
  expect(rate.isHigh).toBe(false);
  for (let ring = 0; ring < 100; ring++) rate.noteRing(500 + ring / 2);
  expect(rate.isHigh).toBe(true);
  rate.reset();
  for (const queued of [5, 5, 0, 5, 5]) rate.noteCheck(queued, 4);
  expect(rate.isHigh).toBe(false);
  rate.noteCheck(0, 5);
  expect(rate.isHigh).toBe(true);
});

test('the rate of numbers is measured a window at a time', () => {
  const rate = new NumberRate(0, 0);
  expect(rate.measure(50, 40, 1)).toBe('unknown');
  expect(rate.measure(100, 10, 1)).toBe('very low');
  expect(rate.measure(200, 80, 1)).toBe('low');
  expect(rate.measure(400, 280, 1)).toBe('high');
  expect(rate.measure(500, 330, 6)).toBe('high');
});

test('writers that were busy are kept silent twice as long each time, until they have not been for a while', () => {
  const silence = new Silence();
  expect(silence.isOver(0, 'low')).toBe(true);
  for (const [begins, ends] of [
    [100_000, 101_000],
    [101_000, 103_000],
    [103_000, 107_000],
    [170_000, 171_000],
  ] as const) {
    silence.begin(begins);
    expect(silence.isOver(ends - 1, 'low')).toBe(false);
    expect(silence.isOver(ends, 'low')).toBe(true);
  }
});

test('after a high rate writers are kept silent for three seconds, however little changes', () => {
  const silence = new Silence();
  expect(silence.isOver(0, 'very low')).toBe(true);
  expect(silence.isOver(1_000, 'high')).toBe(false);
  expect(silence.isOver(3_999, 'very low')).toBe(false);
  expect(silence.isOver(4_000, 'very low')).toBe(true);
});

test('checks are close together while few numbers are missing, and otherwise a multiple of their duration apart', () => {
  expect(new PollPause().next(4, 2)).toBeLessThan(4);
  expect(new PollPause().next(0.1, 8)).toBe(10);
  expect(new PollPause().next(2, 8)).toBe(20);
  expect(new PollPause().next(9, 8)).toBe(30);
});

test('a single check that finds many numbers missing does not lengthen the pause, several do', () => {
  const pause = new PollPause();
  for (const missing of [1, 2, 8, 1, 1, 5_000, 0]) expect(pause.next(4, missing)).toBeLessThan(4);
  for (let check = 0; check < 4; check++) pause.next(4, 9);
  expect(pause.next(4, 9)).toBe(30);
});
