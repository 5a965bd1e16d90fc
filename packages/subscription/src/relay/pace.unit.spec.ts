import { expect, test } from 'vitest';
import { NumberRate, RingRate, Silence } from './pace.ts';

test('a thousand rings a second are a high rate, and so are fewer if writers queue for the bell in three looks', () => {
  const rate = new RingRate();
  for (let at = 0; at < 400; at += 2) rate.noteRing(at);
  expect(rate.isHigh).toBe(false);
  for (let ring = 0; ring < 100; ring++) rate.noteRing(500 + ring / 2);
  expect(rate.isHigh).toBe(true);
  rate.reset();
  for (const queue of [5, 5, 0, 5, 5]) rate.noteLook(queue);
  expect(rate.isHigh).toBe(false);
  rate.noteLook(5);
  expect(rate.isHigh).toBe(true);
});

test('the rate of numbers is measured a window at a time', () => {
  const rate = new NumberRate(0, 0);
  expect(rate.measure(50, 40)).toBe('unknown');
  expect(rate.measure(100, 10)).toBe('very low');
  expect(rate.measure(200, 80)).toBe('low');
  expect(rate.measure(400, 280)).toBe('high');
});

test('writers that queued are kept silent twice as long each time, until they have not queued for a while', () => {
  const silence = new Silence();
  expect(silence.isOver(0)).toBe(true);
  for (const [begins, ends] of [
    [100_000, 101_000],
    [101_000, 103_000],
    [103_000, 107_000],
    [170_000, 171_000],
  ] as const) {
    silence.begin(begins);
    expect(silence.isOver(ends - 1)).toBe(false);
    expect(silence.isOver(ends)).toBe(true);
  }
});
