import { inspect } from 'node:util';

/** Default of `describeThrown`: the largest length of a status row's details. */
const MAX_LENGTH = 1_024;

/**
 * Returns the text of any thrown value: the message of an error, otherwise the value as Node's `inspect` prints it.
 * Made for values that users' functions throw: it never throws, even if the value's getters, traps or `toString` do,
 * and runs none of the value's own code except getters of `message`, `name` and `errors`. Returns at most `maxLength`
 * characters (default 1,024), without what Postgres cannot store: NUL characters and half surrogate pairs.
 */
export function describeThrown(value: unknown, maxLength: number = MAX_LENGTH): string {
  const text = attempt(() => textOf(value, maxLength)) ?? 'a value that cannot be shown was thrown';
  return text.slice(0, maxLength).replaceAll('\0', '\ufffd').toWellFormed();
}

function textOf(value: unknown, maxLength: number): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return show(value, maxLength);
  return messageOf(value, maxLength) ?? show(value, maxLength);
}

function messageOf(value: object, maxLength: number): string | undefined {
  const message = read(value, 'message');
  if (typeof message === 'string' && message !== '') return message;
  if (message !== undefined && message !== '') return show(message, maxLength);
  return messageOfAll(value, maxLength) ?? (isError(value) ? nameOf(value) : undefined);
}

/** Some AggregateErrors have no message, e.g. Node's for a host with two addresses of which none accepts a connection. */
function messageOfAll(value: object, maxLength: number): string | undefined {
  const errors = read(value, 'errors');
  if (!attempt(() => Array.isArray(errors))) return undefined;
  const first = (errors as readonly unknown[]).slice(0, 3);
  return first.length === 0 ? undefined : first.map((error) => oneOf(error, maxLength)).join('; ');
}

const oneOf = (error: unknown, maxLength: number): string =>
  (typeof error === 'object' && error !== null ? stringOrNothing(read(error, 'message')) : undefined) ??
  show(error, maxLength);

const stringOrNothing = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const nameOf = (error: object): string => stringOrNothing(read(error, 'name')) ?? 'Error';

const isError = (value: object): boolean => attempt(() => value instanceof Error) ?? false;

const read = (value: object, property: string): unknown => attempt(() => Reflect.get(value, property));

/** `inspect` shows proxies without calling their traps, calls no getters, and handles cycles. */
function show(value: unknown, maxLength: number): string {
  const shown = attempt(() =>
    inspect(value, {
      customInspect: false,
      depth: 2,
      maxArrayLength: 20,
      maxStringLength: maxLength,
      breakLength: Number.POSITIVE_INFINITY,
    }),
  );
  return shown ?? 'a value that cannot be shown was thrown';
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
