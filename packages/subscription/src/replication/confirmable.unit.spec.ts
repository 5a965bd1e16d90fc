import { expect, test } from 'vitest';
import { confirmable } from './confirmable.ts';

test('with the one that the library adds, the server hears the very place', () => {
  expect(confirmable('0/16B3748')).toBe('0/16B3747');
  expect(confirmable('00000001/00000000')).toBe('0/FFFFFFFF');
});
