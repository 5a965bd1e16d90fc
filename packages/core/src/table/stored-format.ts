import type { z } from 'zod';
import type { WireFormat } from './wire-format.ts';

const formats = new WeakMap<z.core.$ZodType, WireFormat>();

/**
 * States how values of a schema are stored if the schema itself does not determine it. For packages that derive tables
 * from other schemas.
 */
export function storedAs<Schema extends z.ZodType>(schema: Schema, format: WireFormat): Schema {
  formats.set(schema, format);
  return schema;
}

export const storedFormatOf = (schema: z.core.$ZodType): WireFormat | undefined => formats.get(schema);
