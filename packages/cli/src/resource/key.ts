import type { AnyTable } from '@intendant/core';
import type { z } from 'zod';
import { wrongUse } from '../run/command-error.ts';

/** A key for the session, with the org if the command line or the key names one. */
export type Key = Readonly<Record<string, unknown>>;

/**
 * The key that an argument names: the bare value where the key has one column, `field=value,field=value` or a JSON
 * object otherwise. An object may also hold orgId and instanceId.
 */
export function readKey(table: AnyTable, text: string): Key {
  const fields = text.startsWith('{') ? fromJson(table, text) : fromText(table, text);
  const missing = table.key.filter((field) => fields[field] === undefined);
  if (missing.length > 0)
    throw wrongUse(`the key ${JSON.stringify(text)} lacks ${missing.join(', ')}; ${formOf(table)}`);
  return fields;
}

function fromJson(table: AnyTable, text: string): Key {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw wrongUse(`the key ${JSON.stringify(text)} is not valid JSON; ${formOf(table)}`);
  }
  return Object.fromEntries(
    Object.entries(given as object).map(([field, value]) => [field, readField(table, field, String(value))]),
  );
}

function fromText(table: AnyTable, text: string): Key {
  const [only] = table.key;
  if (table.key.length === 1 && only !== undefined) return { [only]: readField(table, only, text) };
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [field = '', ...rest] = part.split('=');
      return [field, readField(table, field, rest.join('='))];
    }),
  );
}

/** A field's value, from the text of the command line. */
export function readField(table: AnyTable, field: string, text: string): unknown {
  if (field === 'orgId' || field === 'instanceId') return text;
  const column = table.columns.find((candidate) => candidate.field === field);
  const schema = table.schema.shape[field] as z.ZodType | undefined;
  if (column === undefined || schema === undefined) {
    throw wrongUse(
      `table ${table.name} has no field ${JSON.stringify(field)}; it has ${table.columns.map((one) => one.field).join(', ')}`,
    );
  }
  const value = fromSqlText(column.format.sqlType, schema, text);
  if (value !== undefined) return value;
  throw wrongUse(
    `${JSON.stringify(text)} is not a valid value for ${table.name}.${field}; its type is ${column.format.sqlType}`,
  );
}

function fromSqlText(sqlType: string, schema: z.ZodType, text: string): unknown {
  if (sqlType === 'text') return text;
  if (sqlType === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (sqlType === 'bytea') return new Uint8Array(Buffer.from(text, 'base64'));
  if (sqlType.startsWith('timestamp')) return dateOf(text);
  if (sqlType === 'jsonb' || text.trim() === '') return undefined;
  return numberOf(schema, text);
}

function numberOf(schema: z.ZodType, text: string): number | bigint | undefined {
  if (schema.safeParse(0n).success) return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function dateOf(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const formOf = ({ key }: AnyTable): string =>
  key.length === 1
    ? `give the value of ${key[0]}`
    : `give ${key.map((field) => `${field}=VALUE`).join(',')} or a JSON object`;

/** A key for people: the bare value, or `field=value,field=value`. */
export function keyText({ key }: AnyTable, record: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown) =>
    value instanceof Date
      ? value.toISOString()
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('base64')
        : String(value);
  if (key.length === 1) return text(record[key[0] as string]);
  return key.map((field) => `${field}=${text(record[field])}`).join(',');
}

/** The org and instance in a key, if any. */
export const ownerOf = (key: object): { readonly orgId?: string; readonly instanceId?: string } => key;
