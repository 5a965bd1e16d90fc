import pg from 'pg';
import type { WireValue } from '../exchange/statement.ts';

/** How values of one SQL type are encoded and decoded. A value that cannot be converted exactly is refused. */
export interface WireFormat {
  readonly sqlType: string;
  /** Throws a TypeError with the reason when the value cannot be stored exactly. */
  encode(value: unknown): WireValue;
  decode(text: string): unknown;
  /** Column types that `register` converts to this one, each with the `using` expression for a quoted column name. */
  readonly conversions?: Readonly<Record<string, (name: string) => string>>;
}

const BIGINT_LIMIT = 2n ** 63n;
const SMALLEST_FLOAT = 2 ** -149;
const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127;
const parseTimestamp = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => Date;

const refuse = (reason: string): never => {
  throw new TypeError(reason);
};

export const TEXT: WireFormat = { sqlType: 'text', encode: encodeText, decode: (text) => text };

export const INTEGER: WireFormat = { sqlType: 'integer', encode: encodeInteger, decode: Number };

/** A safe integer, as a JavaScript number. */
export const SAFE_INTEGER: WireFormat = { sqlType: 'bigint', encode: encodeInteger, decode: Number };

export const BIGINT: WireFormat = { sqlType: 'bigint', encode: encodeBigint, decode: BigInt };

export const DOUBLE: WireFormat = {
  sqlType: 'double precision',
  encode: (value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) return refuse('must be a number');
    return Object.is(value, -0) ? '-0' : String(value);
  },
  decode: Number,
};

/** A 64-bit number that may be NaN. Postgres sorts NaN after all other numbers and treats it as equal to itself. */
export const DOUBLE_WITH_NAN: WireFormat = { ...DOUBLE, encode: encodeDouble };

/** A 32-bit number that may be NaN. Other values are rounded to 32 bits, as a Protobuf message rounds them. */
export const FLOAT: WireFormat = {
  sqlType: 'real',
  encode: (value) => encodeDouble(typeof value === 'number' ? Math.fround(value) : value),
  decode: (text) => Math.fround(Number(text)),
  conversions: {
    'double precision': (name) =>
      `case when abs(${name}) <= ${SMALLEST_FLOAT / 2} then 0 when abs(${name}) > ${LARGEST_FLOAT} and ${name} <> 'NaN' then sign(${name}) * 'Infinity'::double precision else ${name} end::real`,
  },
};

/** An integer from 0 to 2^64 - 1. */
export const UNSIGNED_BIGINT: WireFormat = {
  sqlType: 'numeric(20,0)',
  encode: encodeUnsigned,
  decode: BigInt,
  conversions: { bigint: (name) => `${name}::numeric(20,0)` },
};

export const BOOLEAN: WireFormat = {
  sqlType: 'boolean',
  encode: (value) => (typeof value === 'boolean' ? (value ? 't' : 'f') : refuse('must be a boolean')),
  decode: (text) => text === 't',
};

export const TIMESTAMP: WireFormat = {
  sqlType: 'timestamp(3) with time zone',
  encode: encodeTimestamp,
  decode: decodeTimestamp,
};

export const BYTES: WireFormat = {
  sqlType: 'bytea',
  encode: (value) =>
    value instanceof Uint8Array
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : refuse('must be a Uint8Array'),
  decode: (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')),
};

export const JSON_DOCUMENT: WireFormat = { sqlType: 'jsonb', encode: encodeJson, decode: (text) => JSON.parse(text) };

function encodeText(value: unknown): string {
  if (typeof value !== 'string') return refuse('must be a string');
  if (value.includes('\0')) return refuse('must not hold a NUL character, which Postgres cannot store');
  if (!value.isWellFormed()) return refuse('must not hold a lone surrogate, which has no UTF-8 form');
  return value;
}

function encodeInteger(value: unknown): string {
  return Number.isSafeInteger(value) ? String(value) : refuse('must be an integer within ±(2^53 - 1)');
}

function encodeBigint(value: unknown): string {
  if (typeof value !== 'bigint') return refuse('must be a bigint');
  if (value < -BIGINT_LIMIT || value >= BIGINT_LIMIT) return refuse('must be within 64 bits');
  return String(value);
}

function encodeUnsigned(value: unknown): string {
  if (typeof value !== 'bigint') return refuse('must be a bigint');
  if (value < 0n || value >= 2n * BIGINT_LIMIT) return refuse('must be within 64 bits, and not negative');
  return String(value);
}

function encodeDouble(value: unknown): string {
  if (typeof value !== 'number') return refuse('must be a number');
  return Object.is(value, -0) ? '-0' : String(value);
}

/**
 * Postgres has infinite timestamps, and Date has none. They are read as the first and the last time that Date can
 * represent (±8.64e15 ms, https://tc39.es/ecma262/#sec-time-values-and-time-range), and these are written as infinity.
 */
const FURTHEST_MS = 8.64e15;
const INFINITE_TIMES: Readonly<Record<string, number>> = { infinity: FURTHEST_MS, '-infinity': -FURTHEST_MS };

/**
 * V8 parses `2026-11-25 19:00:00.123+00` natively once the space and the time zone are replaced. pg's own parser is ten
 * times slower.
 */
function decodeTimestamp(text: string): Date {
  const infinite = INFINITE_TIMES[text];
  if (infinite !== undefined) return new Date(infinite);
  if (text.length > 26 || text[4] !== '-' || text[10] !== ' ' || !text.endsWith('+00')) return parseTimestamp(text);
  return new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
}

/**
 * Writes a time in Postgres' own format, so that a sent text equals the text that is read back. Years after 9999 have
 * no sign, and years before 1 end with `BC` and are counted from 1.
 */
function encodeTimestamp(value: unknown): string {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return refuse('must be a valid Date');
  if (Math.abs(value.getTime()) === FURTHEST_MS) return value.getTime() > 0 ? 'infinity' : '-infinity';
  const iso = value.toISOString().replace('T', ' ').replace('Z', '+00');
  const year = value.getUTCFullYear();
  if (year > 9999) return iso.slice(1);
  if (year > 0) return iso;
  const monthOn = iso.slice(year < 0 || iso.startsWith('-') ? 7 : 4);
  return `${String(1 - year).padStart(4, '0')}${monthOn} BC`;
}

function encodeJson(value: unknown): string {
  checkJson(value, 0);
  const text = JSON.stringify(value);
  return text.includes('\\u0000') ? refuseNul(text) : text;
}

/** In JSON text, a backslash before `\u0000` makes it six ordinary characters; only an odd number of backslashes makes it a NUL. */
function refuseNul(text: string): string {
  return /(?<!\\)(?:\\\\)*\\u0000/.test(text)
    ? refuse('must not hold a NUL character, which Postgres cannot store')
    : text;
}

/** The deepest nesting that a document may have. Postgres can parse it, and documents rarely need more. */
const MAX_JSON_DEPTH = 500;

/** Refuses values that JSON.stringify would drop or change because JSON has no form for them. */
function checkJson(value: unknown, depth: number): void {
  if (depth > MAX_JSON_DEPTH) refuse(`must not be nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') checkJsonText(value);
  else if (typeof value === 'number') checkJsonNumber(value);
  else if (Array.isArray(value)) for (let index = 0; index < value.length; index++) checkJson(value[index], depth + 1);
  else checkJsonObject(value, depth);
}

/** A field with the value undefined counts as absent. */
function checkJsonObject(value: unknown, depth: number): void {
  if (!isPlainObject(value)) throw new TypeError(`must contain only JSON values, not a ${nameOfType(value)}`);
  for (const [field, inner] of Object.entries(value)) {
    checkJsonText(field);
    if (inner !== undefined) checkJson(inner, depth + 1);
  }
}

function checkJsonText(text: string): void {
  if (!text.isWellFormed()) refuse('must not hold a lone surrogate, which has no UTF-8 form');
}

function checkJsonNumber(value: number): void {
  if (!Number.isFinite(value)) refuse('must not hold NaN or Infinity, which JSON lacks');
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && typeof Reflect.get(value, 'toJSON') !== 'function';
}

const nameOfType = (value: unknown): string =>
  typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
