import { expect, test } from 'vitest';
import { confirmable } from './confirmable.ts';

test('after the library has added one, the server receives the exact position', () => {
  expect(confirmable('0/16B3748')).toBe('0/16B3747');
  expect(confirmable('00000001/00000000')).toBe('0/FFFFFFFF');
});
