import { expect, test } from 'vitest';
import { errorText, MAX_DETAILS_LENGTH } from './details.ts';

test('the text of an error is its message, or its name when it has none', () => {
  expect(errorText(new Error('out of disk'))).toBe('out of disk');
  expect(errorText(new RangeError(''))).toBe('RangeError');
});

test('a thrown value that is not an Error has a text too', () => {
  expect(errorText('plain words')).toBe('plain words');
  expect(errorText({ code: 7 })).toBe('{ code: 7 }');
  expect(errorText(undefined)).toBe('undefined');
  expect(errorText(Symbol('odd'))).toBe('Symbol(odd)');
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(errorText(circular)).toContain('[Circular');
  const hostile = new Proxy(
    {},
    {
      get: () => hostile,
      getPrototypeOf: () => {
        throw new Error('no');
      },
    },
  );
  expect(typeof errorText(hostile)).toBe('string');
  expect(errorText(Object.assign(new Error('bad request'), { message: ['cpus must be a number'] }))).toContain(
    'cpus must be a number',
  );
});

test('what Postgres cannot store is replaced', () => {
  expect(errorText('a\0b')).toBe('a\uFFFDb');
  expect(errorText('half \uD800 pair')).toBe('half \uFFFD pair');
});

test('a message of megabytes is cut between characters', () => {
  const text = errorText('😀'.repeat(5_000_000));
  expect(Array.from(text)).toHaveLength(MAX_DETAILS_LENGTH);
  expect(text.isWellFormed()).toBe(true);
});
