import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeKeyPart, jobKey, queueName } from './job-key.ts';

const ALLOWED = /^[A-Za-z0-9_.\-/]+$/;

test('a plain id stays readable', () => {
  expect(jobKey(['Coke', 'Americas', 'VM1'])).toBe('Coke/Americas/VM1');
  expect(queueName('public', 'vm', 'us-west-1')).toBe('public/vm/us-west-1');
});

test('an id with other characters is encoded, not stripped', () => {
  expect(encodeKeyPart('a b')).not.toBe(encodeKeyPart('ab'));
  expect(encodeKeyPart('a/b')).toBe('.612f62');
  expect(encodeKeyPart('')).toBe('.');
});

test('for any ids, the key contains only characters that pg-boss allows', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 4 }), (ids) =>
      ALLOWED.test(jobKey(ids)),
    ),
  );
});

test('no two lists of ids share a key', () => {
  const ids = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('.', '/', '', '.61', '..', 'a')), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(
      ids,
      ids,
      (left, right) => (jobKey(left) === jobKey(right)) === (JSON.stringify(left) === JSON.stringify(right)),
    ),
    { numRuns: 2000 },
  );
});

test('a long id still makes a short key', () => {
  expect(encodeKeyPart('x'.repeat(100_000)).length).toBeLessThan(100);
  expect(encodeKeyPart('x'.repeat(1000))).not.toBe(encodeKeyPart('x'.repeat(1001)));
});
