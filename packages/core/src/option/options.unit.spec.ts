import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { internalsOf } from '../data-store-internals.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import { checkCount } from './check-count.ts';
import { checkDuration } from './check-duration.ts';
import { checkOptions } from './check-options.ts';
import { OLDEST_NODE, requireNode, requirePostgres } from './required-versions.ts';

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

test('options that do not exist are refused with the one that was probably meant', () => {
  const names = { enforcementPoints: true, limit: true } as const;
  const check = (options: unknown) => () => checkOptions('persistIntent', options as { limit: number }, names as never);
  expect(check({ enforcementpoints: [] })).toThrow(
    'persistIntent: there is no option "enforcementpoints"; did you mean enforcementPoints?',
  );
  expect(check({ filter: {} })).toThrow(
    'persistIntent: there is no option "filter"; there are: enforcementPoints, limit',
  );
  expect(check([])).toThrow('persistIntent: options must be an object, not an array');
  expect(check(null)).toThrow('must be an object, not null');
  expect(check({ toString: 1 })).toThrow('there is no option "toString"');
  check({ limit: 1, filter: undefined })();
  check(undefined)();
});

test('a Node.js that is too old is refused in one sentence that says what to do', () => {
  expect(() => requireNode('20.20.2')).toThrow(
    'Intendant needs Node.js 22.12 or newer, and this process runs on 20.20.2: install a newer Node.js',
  );
  expect(() => requireNode('22.11.0')).toThrow(ConfigurationError);
  for (const version of ['22.12.0', '23.0.0', '24.1.0']) expect(() => requireNode(version)).not.toThrow();
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(engines.node).toBe(`>=${OLDEST_NODE}`);
});

test('a Postgres that is too old is refused in one sentence that says what to do', () => {
  expect(() => requirePostgres(140_023)).toThrow(
    'Intendant needs Postgres 15 or newer, and the server is Postgres 14: upgrade the server',
  );
  expect(() => requirePostgres(90_624)).toThrow(ConfigurationError);
  expect(() => requirePostgres(150_000)).not.toThrow();
});

test('a store of another copy of the package is refused with what to do', () => {
  expect(() => internalsOf({})).toThrow(ConfigurationError);
  expect(() => internalsOf({})).toThrow(/`npm ls @intendant\/core` lists several copies, install one version/);
});
