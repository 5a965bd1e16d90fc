import type { RegisteredTable } from '../table/registered-table.ts';

/** The key of a record for messages and error details: only its key columns, shortened. */
export function describeKey(table: RegisteredTable, key: unknown): Record<string, unknown> | undefined {
  if (key === undefined) return undefined;
  const isObject = typeof key === 'object' && key !== null && !(key instanceof Date) && !(key instanceof Uint8Array);
  const entries = table.key.map((column) => [
    column.field,
    printable(isObject ? (key as Record<string, unknown>)[column.field] : key),
  ]);
  return Object.fromEntries(entries);
}

const MAX_PRINTED = 100;

/** A value for a message, shortened. */
export function printable(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').slice(0, MAX_PRINTED);
  if (typeof value === 'string') return value.length > MAX_PRINTED ? `${value.slice(0, MAX_PRINTED)}…` : value;
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value;
  return typeof value;
}

/** A name or value from a caller, quoted and shortened for a message. */
export const quoted = (value: unknown): string => JSON.stringify(printable(value)) ?? 'undefined';
