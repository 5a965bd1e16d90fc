import type { Column } from '@intendant/core/internal';
import { RefusedRequest } from '../http/problem.ts';
import type { RealizedTable } from './realized-table.ts';

/**
 * A resource's key as one segment of a path. A key of one column is its value. Any other key, or one that also names
 * the org, is a JSON object. A value that begins with a brace is written as an object too, so that the two forms cannot
 * be confused, and so are values that clients would resolve as relative paths.
 */

/** A resource's key by column, with the org and instance if they are given. */
export type ResourceKey = Readonly<Record<string, unknown>>;

const MAX_LENGTH = 4_096;
const RELATIVE_PATHS = new Set(['', '.', '..']);

const fieldsOf = ({ resource }: RealizedTable): Column[] => [
  ...resource.key,
  ...resource.columns.filter(({ field }) => field === 'orgId' || field === 'instanceId'),
];

/** Parses a segment of a path. Throws an error with status 404: text that cannot be a key names no resource. */
export function parseResourceKey(table: RealizedTable, text: string): ResourceKey {
  if (text.length > MAX_LENGTH) throw unknownKey();
  if (text.startsWith('{')) return readKey(table, parseObject(text), unknownKey);
  const [only, ...others] = table.resource.key;
  if (others.length > 0) throw unknownKey(`The key of ${table.name} has several fields: give a JSON object.`);
  return readKey(table, { [(only as Column).field]: text }, unknownKey);
}

/** Parses a key in a request's body: a value alone, or an object. Throws an error with status 400. */
export function readGivenKey(table: RealizedTable, given: unknown): ResourceKey {
  const refuse = () => new RefusedRequest(400, `That is not a key of ${table.name}. Give ${printFields(table)}.`);
  if (typeof given === 'object' && given !== null) return readKey(table, given as ResourceKey, refuse);
  const [only, ...others] = table.resource.key;
  if (others.length > 0) throw refuse();
  return readKey(table, { [(only as Column).field]: given }, refuse);
}

const printFields = ({ resource }: RealizedTable): string => resource.key.map(({ field }) => field).join(', ');

const unknownKey = (detail = 'There is no resource with this key.'): RefusedRequest => new RefusedRequest(404, detail);

function parseObject(text: string): ResourceKey {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as ResourceKey;
  } catch {
    // Not JSON, so it is not a key either.
  }
  throw unknownKey();
}

function readKey(table: RealizedTable, given: ResourceKey, refuse: () => RefusedRequest): ResourceKey {
  const columns = fieldsOf(table);
  if (Object.keys(given).some((field) => !columns.some((column) => column.field === field))) throw refuse();
  const entries = columns.flatMap((column) => {
    const value = given[column.field];
    const isScope = column.field === 'orgId' || column.field === 'instanceId';
    if (isScope && (value === undefined || value === null)) return [];
    return [[column.field, readValue(column, value, refuse)] as const];
  });
  return Object.fromEntries(entries);
}

/** A JSON value, or its text, as the column stores it. */
function readValue(column: Column, value: unknown, refuse: () => RefusedRequest): unknown {
  const decoded = decode(column, value);
  try {
    column.format.encode(decoded);
    return decoded;
  } catch {
    throw refuse();
  }
}

function decode({ format }: Column, value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  if (format.sqlType === 'text') return typeof value === 'string' ? text : undefined;
  if (format.sqlType === 'bytea') return new Uint8Array(Buffer.from(text, 'base64url'));
  if (format.sqlType.startsWith('timestamp')) return new Date(text);
  if (!/^-?\d{1,20}$/.test(text)) return undefined;
  return typeof format.decode('0') === 'bigint' ? BigInt(text) : Number(text);
}

/** The segment of a path that names a resource, before percent-encoding. */
export function printResourceKey({ resource }: RealizedTable, key: ResourceKey): string {
  const [only, ...others] = resource.key;
  const value = printValue(key[(only as Column).field]);
  const isPlain = others.length === 0 && key['orgId'] === undefined && key['instanceId'] === undefined;
  if (isPlain && !RELATIVE_PATHS.has(value) && !value.startsWith('{')) return value;
  return JSON.stringify(Object.fromEntries(Object.entries(key).map(([field, part]) => [field, printValue(part)])));
}

function printValue(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url');
  return String(value);
}
