import { expect, test } from 'vitest';
import { ConfigurationError } from '../error/intendant-error.ts';
import { checkCount } from './check-count.ts';
import { checkDuration } from './check-duration.ts';
import { checkOptions } from './check-options.ts';

test.each([0, -1, Number.NaN, 0.5, '1000', null, undefined, true, {}, [], 10n, Number.POSITIVE_INFINITY])(
  'a duration of %s is refused by name',
  (value) => {
    expect(() => checkDuration('leaseMs', value)).toThrow(ConfigurationError);
    expect(() => checkDuration('leaseMs', value)).toThrow(
      /^leaseMs: expected a number of milliseconds of at least 1, not /,
    );
  },
);

test('a duration is within its range, however long', () => {
  expect(checkDuration('timeoutMs', 2 ** 40)).toBe(2 ** 40);
  expect(checkDuration('timeoutMs', Number.POSITIVE_INFINITY, { allowInfinity: true })).toBe(Number.POSITIVE_INFINITY);
  expect(() => checkDuration('leaseMs', 1, { min: 1_000, max: 5_000, allowInfinity: true })).toThrow(
    'leaseMs: expected a number of milliseconds of at least 1,000 and at most 5,000, or Infinity for no limit, not 1',
  );
});

test.each([0, -1, Number.NaN, 1.5, '2', null, 2 ** 60, Number.POSITIVE_INFINITY])(
  'a count of %s is refused by name',
  (value) => {
    expect(() => checkCount('concurrency', value)).toThrow(/^concurrency: expected a whole number of at least 1, not /);
  },
);

test('options that do not exist are refused with the one that was meant', () => {
  const names = { enforcementPoints: true, limit: true } as const;
  const check = (options: unknown) => () => checkOptions('persistIntent', options as { limit: number }, names as never);
  expect(check({ enforcementpoints: [] })).toThrow(
    'persistIntent: there is no option "enforcementpoints"; did you mean enforcementPoints?',
  );
  expect(check({ filter: {} })).toThrow(
    'persistIntent: there is no option "filter"; there are: enforcementPoints, limit',
  );
  expect(check([])).toThrow('persistIntent: options are given as an object, not as an array');
  expect(check(null)).toThrow('not as null');
  expect(check({ toString: 1 })).toThrow('there is no option "toString"');
  check({ limit: 1, filter: undefined })();
  check(undefined)();
});
