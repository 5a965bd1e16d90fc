import { type DescField, type DescMessage, isFieldSet, type Message, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { ConfigurationError } from '@intendant/core';
import { DOUBLE_WITH_NAN, FLOAT, storedAs, UNSIGNED_BIGINT } from '@intendant/core/internal';
import { z } from 'zod';

/** A field of a message that is also stored in a column, to filter and sort by. */
export interface IndexedField {
  /** As in the generated code, e.g. `numberCores`. */
  readonly name: string;
  /** E.g. `field_number_cores`. The prefix avoids a conflict between a field `id` and the column `id`. */
  readonly column: string;
  readonly schema: z.ZodType;
  /** Null when the field has presence and is not set. */
  read(message: Message): unknown;
  /** The value that a message has after it was stored and read: a `float` is rounded to 24 bits. Other values do not change. */
  asStored(value: unknown): unknown;
}

/** Throws ConfigurationError for a field that does not exist or cannot be indexed. */
export function describeIndexedField(schema: DescMessage, name: string): IndexedField {
  const field = schema.fields.find(({ localName }) => localName === name);
  if (!field) throw refused(schema, name, 'there is no such field');
  const hasPresence = field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  const asStored = isFloat(field) ? roundToFloat : (value: unknown) => value;
  return {
    name,
    asStored,
    column: `field_${field.name}`,
    schema: columnSchema(schema, field).nullable(),
    read: (message) =>
      hasPresence && !isFieldSet(message as never, field)
        ? null
        : asStored((message as unknown as Record<string, unknown>)[name]),
  };
}

const isFloat = (field: DescField): boolean => field.fieldKind === 'scalar' && field.scalar === ScalarType.FLOAT;

const roundToFloat = (value: unknown): unknown => (typeof value === 'number' ? Math.fround(value) : value);

function columnSchema(schema: DescMessage, field: DescField): z.ZodType {
  if (field.oneof) throw refused(schema, field.localName, 'a member of a oneof cannot be indexed');
  if (field.fieldKind === 'enum') return z.int32();
  if (field.fieldKind !== 'scalar')
    throw refused(schema, field.localName, `a ${field.fieldKind} field cannot be indexed`);
  if (field.longAsString) throw refused(schema, field.localName, 'a field with jstype = JS_STRING cannot be indexed');
  return scalarSchema(field.scalar);
}

/** Accepts NaN and the infinities, which `z.number()` refuses. */
const anyNumber = (): z.ZodType<number> => z.custom<number>((value) => typeof value === 'number');

function scalarSchema(scalar: ScalarType): z.ZodType {
  switch (scalar) {
    case ScalarType.STRING:
      return z.string();
    case ScalarType.BOOL:
      return z.boolean();
    case ScalarType.BYTES:
      return z.instanceof(Uint8Array);
    case ScalarType.DOUBLE:
      return storedAs(anyNumber(), DOUBLE_WITH_NAN);
    case ScalarType.FLOAT:
      return storedAs(anyNumber(), FLOAT);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return z.bigint();
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return storedAs(z.bigint(), UNSIGNED_BIGINT);
    default:
      return z.int();
  }
}

const refused = (schema: DescMessage, field: string, reason: string): ConfigurationError =>
  new ConfigurationError(`message ${schema.typeName}, field ${field}: ${reason}`, { details: { field } });
