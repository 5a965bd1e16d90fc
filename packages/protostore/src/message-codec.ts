import { type DescMessage, fromBinary, isMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { InvalidRecordError } from '@intendant/core';

/** Where a message is, or is to be, for the error that names it. */
export interface MessagePlace {
  readonly table: string;
  readonly id: unknown;
}

/**
 * The message's binary form, unknown fields included. Throws InvalidRecordError for what is no message of this type, for
 * a field that holds what its type cannot, and for more than `maxBytes`.
 */
export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  maxBytes: number,
  place: MessagePlace,
): Uint8Array {
  checkType(schema, message, place);
  const payload = serialize(schema, message, place);
  if (payload.byteLength <= maxBytes) return payload;
  const size = `${payload.byteLength} bytes, and the limit is ${maxBytes}`;
  throw invalid(place, `the ${schema.typeName} has ${size}; store less, or raise maxMessageBytes`);
}

/** Throws InvalidRecordError when the bytes are no message of this type. */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  payload: Uint8Array,
  place: MessagePlace,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, payload);
  } catch (cause) {
    throw invalid(place, `the stored bytes are no ${schema.typeName}`, cause);
  }
}

function checkType(schema: DescMessage, message: unknown, place: MessagePlace): void {
  if (isMessage(message, schema)) return;
  const given = isMessage(message) ? `a ${message.$typeName}` : 'no message';
  throw invalid(place, `expected a ${schema.typeName}, was given ${given}; make messages with create()`);
}

function serialize<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  place: MessagePlace,
): Uint8Array {
  try {
    return toBinary(schema, message);
  } catch (cause) {
    throw invalid(place, `this ${schema.typeName} has no binary form: ${(cause as Error).message}`, cause);
  }
}

function invalid({ table, id }: MessagePlace, reason: string, cause?: unknown): InvalidRecordError {
  return new InvalidRecordError(`${table} ${JSON.stringify(id)}: ${reason}`, { details: { table, id }, cause });
}
