import { expect, test } from 'vitest';
import { NumberRate, RingRate } from './pace.ts';

test('one writer after the other is a low rate; a thousand rings a second, or several in each look, a high one', () => {
  const rate = new RingRate();
  for (let at = 0; at < 200; at += 2) {
    rate.noteRing(at);
    rate.noteLook();
  }
  expect(rate.isHigh).toBe(false);
  for (let ring = 0; ring < 20; ring++) rate.noteRing(300 + ring / 2);
  expect(rate.isHigh).toBe(true);
  rate.reset();
  for (let look = 1_000; look < 1_100; look += 50) {
    for (let ring = 0; ring < 3; ring++) rate.noteRing(look);
    rate.noteLook();
  }
  expect(rate.isHigh).toBe(true);
});

test('numbers are taken slowly when few come in a window, and fewer than two a look', () => {
  const rate = new NumberRate(0, 0);
  expect(rate.isLow(30, 0)).toBe(false);
  expect(rate.isLow(60, 3)).toBe(true);
  expect(rate.isLow(90, 3)).toBe(false);
  expect(rate.isLow(120, 8)).toBe(false);
  expect(rate.isLow(181, 26)).toBe(false);
});
