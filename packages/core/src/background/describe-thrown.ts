import { inspect } from 'node:util';

/** Default of `describeThrown`: as long as a status row's details may be. */
const MAX_LENGTH = 1_024;

/**
 * The text of any thrown value: the message of an error, else the value as a developer would print it. Made for what
 * users' functions throw: it never throws itself, also where the value's getters, traps or `toString` do, and runs none
 * of the value's own code but getters of `message`, `name` and `errors`. At most `maxLength` characters (default 1,024),
 * and always text that Postgres stores: no NUL characters and no half surrogate pairs.
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

/** An AggregateError of Node's, for one, has no message of its own: a host with two addresses, and neither listens. */
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

/** `inspect` looks behind proxies without their traps, calls no getters, and ends at cycles. */
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

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
