import type { RegisteredTable } from '../table/registered-table.ts';

/** The key of a record, for messages and error details: its key columns alone, cut to what is fit to print. */
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

function printable(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').slice(0, MAX_PRINTED);
  if (typeof value === 'string') return value.length > MAX_PRINTED ? `${value.slice(0, MAX_PRINTED)}…` : value;
  return typeof value === 'object' && !(value instanceof Date) ? typeof value : value;
}
