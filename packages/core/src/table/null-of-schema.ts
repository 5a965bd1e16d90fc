import { z } from 'zod';

/** Whether the schema accepts null. Then the column may be null. */
export const allowsNull = (schema: z.ZodType): boolean => allows(schema, null, new Set());

/** Whether the schema accepts undefined, i.e. the field may be omitted. */
export const allowsUndefined = (schema: z.ZodType): boolean => allows(schema, undefined, new Set());

/**
 * Examines the structure instead of parsing a value, so that no function of the user runs. A recursive (lazy) schema is
 * examined once.
 */
function allows(schema: z.core.$ZodType, value: null | undefined, seen: Set<z.core.$ZodType>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  const inner = (other: z.core.$ZodType) => allows(other, value, seen);
  if (schema instanceof z.ZodNullable) return value === null || inner(schema.def.innerType);
  if (schema instanceof z.ZodOptional) return value === undefined || inner(schema.def.innerType);
  if (schema instanceof z.ZodNonOptional) return value === null && inner(schema.def.innerType);
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return value === null && inner(schema.def.innerType);
  if (schema instanceof z.ZodReadonly || schema instanceof z.ZodCatch) return inner(schema.def.innerType);
  if (schema instanceof z.ZodLazy) return inner(resolved(schema));
  if (schema instanceof z.ZodUnion) return schema.def.options.some(inner);
  if (schema instanceof z.ZodIntersection) return inner(schema.def.left) && inner(schema.def.right);
  if (schema instanceof z.ZodLiteral) return schema.values.has(value);
  if (schema instanceof z.ZodPipe) return inner(schema.def.out);
  return schema instanceof (value === null ? z.ZodNull : z.ZodUndefined) || isAnything(schema);
}

const isAnything = (schema: z.core.$ZodType): boolean =>
  schema instanceof z.ZodUnknown || schema instanceof z.ZodAny || schema instanceof z.ZodTransform;

const resolved = (schema: z.ZodLazy): z.core.$ZodType => schema.def.getter();
