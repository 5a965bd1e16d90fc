import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { describeThrown } from './describe-thrown.ts';
import { guardLogger } from './guard-logger.ts';

const raise = (): never => {
  throw new Error('a trap');
};
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable(new Error('gone'), {});
  revoke();
  return proxy;
};
const trapped = new Proxy(new Error('behind'), { get: raise, getPrototypeOf: raise, has: raise, ownKeys: raise });
const cyclic: Record<string, unknown> = { code: 7 };
cyclic['self'] = cyclic;

const hostile: Record<string, unknown> = {
  'an error whose message is an array': Object.assign(new Error('x'), { message: ['no', 'disk'] }),
  'an error whose getters throw': Object.defineProperties(new Error('x'), {
    message: { get: raise },
    name: { get: raise },
    stack: { get: raise },
    cause: { get: raise },
  }),
  'a proxy whose traps throw': trapped,
  'a revoked proxy': revoked(),
  'an object without a prototype': Object.assign(Object.create(null), { why: 'no disk' }),
  'a cyclic object': cyclic,
  'an object whose toString and toJSON throw': { toString: raise, toJSON: raise, [Symbol.toPrimitive]: raise },
  'an error with a hostile cause': new Error('outer', { cause: trapped }),
  'an error with hostile properties': Object.defineProperty(new Error('outer'), 'extra', {
    enumerable: true,
    get: raise,
  }),
  'a symbol': Symbol('sign'),
  nothing: undefined,
  'a bigint': 7n,
  'a function': raise,
  'a message with a NUL and half a surrogate pair': new Error('a\0b\ud800'),
  'an error that is very long': new Error('x'.repeat(5_000_000)),
  'many nested arrays': Array.from({ length: 1_000 }, () => [[[[['deep']]]]]),
};

describe('the text of a thrown value', () => {
  test.each([
    ['an error', new Error('no disk'), 'no disk'],
    ['a string', 'no disk', 'no disk'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['errors together', new AggregateError([new Error('one'), new Error('two')]), 'one; two'],
    ['an error whose message is an array', hostile['an error whose message is an array'], "[ 'no', 'disk' ]"],
    ['an object', { status: 503 }, '{ status: 503 }'],
    ['a symbol', Symbol('sign'), 'Symbol(sign)'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
  ])('of %s says what was thrown', (_, value, text) => {
    expect(describeThrown(value)).toBe(text);
  });

  test.each(Object.entries(hostile))('of %s is text that can be stored', (_, value) => {
    const text = describeThrown(value, 100);
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThanOrEqual(100);
    expect(text).not.toContain('\0');
    expect(text.isWellFormed()).toBe(true);
  });

  test('of anything is text', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }), (value) => {
        expect(typeof describeThrown(value)).toBe('string');
        expect(typeof describeThrown(Object.assign(new Error('x'), { message: value }))).toBe('string');
      }),
    );
  });
});

describe('a guarded logger', () => {
  test.each(Object.entries(hostile))('writes a line about %s', (_, err) => {
    const lines: string[] = [];
    const logger = guardLogger(pino({}, { write: (line) => void lines.push(line) }));
    logger.child({ part: 'worker' }).warn({ err }, 'a handler failed');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ msg: 'a handler failed', part: 'worker' });
  });

  test('survives a transport that throws', () => {
    const logger = guardLogger(pino({ level: 'trace' }, { write: raise }));
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)
      logger[level]({ err: trapped }, level);
    expect(guardLogger(logger)).toBe(logger);
  });
});
