import { z } from 'zod';
import { ConfigurationError } from '../error/intendant-error.ts';
import type { WireValue } from '../exchange/statement.ts';
import { allowsNull, allowsUndefined } from './null-of-schema.ts';
import { storedFormatOf } from './stored-format.ts';
import {
  BIGINT,
  BOOLEAN,
  BYTES,
  DOUBLE,
  INTEGER,
  JSON_DOCUMENT,
  SAFE_INTEGER,
  TEXT,
  TIMESTAMP,
  type WireFormat,
} from './wire-format.ts';

/** One column: its names in records and in the database, and how its values are encoded. */
export interface Column {
  /** The record's field, e.g. `orgId`. Equal to `name`, except for the framework's own columns. */
  readonly field: string;
  /** The column in the database, unquoted, e.g. `org_id`. */
  readonly name: string;
  readonly format: WireFormat;
  readonly isNullable: boolean;
  /**
   * Whether the record omits the field, instead of having null, when the column is null: for optional fields that are
   * not nullable.
   */
  readonly isOmittedWhenNull: boolean;
  /** The only values allowed, for a check constraint. */
  readonly allowedValues?: readonly string[];
  /** Returns the value for rows that existed before the column. May call a function of the user. */
  readonly defaultValue?: () => unknown;
  /** The value that it returned when the table was defined. */
  readonly firstDefault?: unknown;
  /** The SQL default, e.g. `statement_timestamp()`. */
  readonly defaultSql?: string;
  /** The value that the database computes if a new record has none: an SQL expression of the column's type. */
  readonly databaseDefault?: string;
}

/** Throws a TypeError with the reason when the value cannot be stored exactly. */
export const encodeColumn = (column: Column, value: unknown): WireValue =>
  value === null || value === undefined ? null : column.format.encode(value);

interface Unwrapped {
  readonly schema: z.ZodType;
  /** Returns the default. May call a function of the user. */
  readonly defaultValue?: () => unknown;
}

/** Makes the column for one field of a table's schema. Throws ConfigurationError for a schema that no column can store. */
export function columnFromSchema(tableName: string, field: string, schema: z.ZodType): Column {
  const { schema: inner, defaultValue } = unwrap(schema);
  const format = formatOf(inner);
  if (!format) {
    throw new ConfigurationError(
      `table ${tableName}, column ${field}: a ${inner._zod.def.type} cannot be stored; convert the value before you store it, and give the type of the stored value here`,
      { details: { table: tableName, column: field } },
    );
  }
  const allowedValues = format === TEXT ? allowedTexts(inner) : undefined;
  const isNullable = allowsNull(schema);
  const isOptional = allowsUndefined(schema);
  return {
    field,
    name: field,
    format,
    isNullable: isOptional || isNullable,
    isOmittedWhenNull: isOptional && !isNullable,
    ...(allowedValues && { allowedValues }),
    ...(defaultValue && { defaultValue, firstDefault: defaultValue() }),
  };
}

function unwrap(schema: z.ZodType): Unwrapped {
  if (schema instanceof z.ZodDefault)
    return { ...unwrap(innerOf(schema)), defaultValue: () => schema.def.defaultValue };
  if (schema instanceof z.ZodPrefault)
    return { ...unwrap(innerOf(schema)), defaultValue: () => z.parse(schema, undefined) };
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  )
    return unwrap(innerOf(schema));
  return { schema };
}

const innerOf = (schema: { def: { innerType: z.core.$ZodType } }): z.ZodType => schema.def.innerType as z.ZodType;

function formatOf(schema: z.ZodType): WireFormat | undefined {
  const stored = storedFormatOf(schema);
  if (stored) return stored;
  switch (schema._zod.def.type) {
    case 'string':
    case 'template_literal':
      return TEXT;
    case 'number':
      return numberFormat(schema as z.ZodNumber);
    case 'bigint':
      return BIGINT;
    case 'boolean':
      return BOOLEAN;
    case 'date':
      return TIMESTAMP;
    case 'enum':
    case 'literal':
      return commonFormat(allowedIn(schema));
    case 'custom':
      return (schema._zod.bag as { Class?: unknown }).Class === Uint8Array ? BYTES : undefined;
    case 'union':
    case 'object':
    case 'array':
    case 'tuple':
    case 'record':
    case 'intersection':
    case 'unknown':
    case 'any':
    case 'lazy':
      return JSON_DOCUMENT;
    default:
      return undefined;
  }
}

const numberFormat = (schema: z.ZodNumber): WireFormat => {
  if (schema.format === 'int32') return INTEGER;
  return schema.isInt ? SAFE_INTEGER : DOUBLE;
};

function allowedIn(schema: z.ZodType): readonly unknown[] {
  if (schema instanceof z.ZodEnum) return schema.options;
  return schema instanceof z.ZodLiteral ? [...schema.values] : [];
}

function commonFormat(values: readonly unknown[]): WireFormat {
  const types = new Set(values.map((value) => typeof value));
  if (types.size !== 1) return JSON_DOCUMENT;
  const byType: Partial<Record<string, WireFormat>> = {
    string: TEXT,
    number: DOUBLE,
    boolean: BOOLEAN,
    bigint: BIGINT,
  };
  return byType[typeof values[0]] ?? JSON_DOCUMENT;
}

function allowedTexts(schema: z.ZodType): readonly string[] | undefined {
  const values = allowedIn(schema).filter((value) => typeof value === 'string');
  return values.length > 0 ? values : undefined;
}
