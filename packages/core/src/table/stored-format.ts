import type { z } from 'zod';
import type { WireFormat } from './wire-format.ts';

const formats = new WeakMap<z.core.$ZodType, WireFormat>();

/** Says how values of a schema are stored, where the schema alone does not: for packages that derive tables from other schemas. */
export function storedAs<Schema extends z.ZodType>(schema: Schema, format: WireFormat): Schema {
  formats.set(schema, format);
  return schema;
}

export const storedFormatOf = (schema: z.core.$ZodType): WireFormat | undefined => formats.get(schema);
