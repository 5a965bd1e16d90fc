const refuse = (): never => {
  throw new Error('not to be looked at');
};

const traps = { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse, getOwnPropertyDescriptor: refuse };

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** Values that a user's function may throw, by what is wrong with them. */
export const HOSTILE_VALUES: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  symbol: Symbol('thrown'),
  'an error whose message is an array': Object.assign(new Error('x'), { message: ['a', 'b'] }),
  'an error whose message cannot be read': Object.defineProperty(new Error('x'), 'message', { get: refuse }),
  'an error whose stack cannot be read': Object.defineProperty(new Error('x'), 'stack', { get: refuse }),
  'an error with itself as its cause': (() => {
    const error = new Error('round and round');
    error.cause = error;
    return error;
  })(),
  'an object without a prototype': Object.create(null),
  'an object that does not turn into text': { toString: refuse, toJSON: refuse, [Symbol.toPrimitive]: refuse },
  'a proxy that refuses everything': new Proxy({}, traps),
  'a proxy of an error that refuses everything': new Proxy(new Error('x'), traps),
  'a revoked proxy': revoked(),
  'text that Postgres does not store': 'zero \0 and half \ud800',
};

/** Values that a user's function may return instead of a promise. */
export const HOSTILE_PROMISES: Readonly<Record<string, () => unknown>> = {
  'a then that cannot be read': () => Object.defineProperty({}, 'then', { get: refuse }),
  // biome-ignore lint/suspicious/noThenProperty: the test needs a hostile thenable
  'a then that throws': () => ({ then: refuse }),
  // biome-ignore lint/suspicious/noThenProperty: the test needs a hostile thenable
  'a promise whose then throws': () => Object.assign(Promise.resolve(), { then: refuse }),
  'a proxy that refuses everything': () => new Proxy({}, traps),
};
