import { type DescMessage, fromBinary, isMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { InvalidRecordError } from '@intendant/core';
import { printId, shortId } from './metadata.ts';
import { losesText, mayBeTooDeep } from './read-back.ts';

/** The table and id of a message, for errors. */
export interface MessagePlace {
  readonly table: string;
  readonly id: unknown;
}

/**
 * Returns the binary form of the message, with unknown fields. Throws InvalidRecordError if it is not a message of this
 * type, if a field has a value outside its type, if it could not be read back, and if it is larger than `maxBytes`.
 */
export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  maxBytes: number,
  place: MessagePlace,
): Uint8Array {
  checkType(schema, message, place);
  const payload = serialize(schema, message, place);
  checkSize(schema, payload, maxBytes, place);
  checkReadBack(schema, message, payload, place);
  return payload;
}

/** Throws InvalidRecordError if the bytes are not a message of this type. */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  payload: Uint8Array,
  place: MessagePlace,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, payload);
  } catch (cause) {
    throw invalid(place, `the stored bytes are not a valid ${schema.typeName} message`, cause);
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

function checkSize(schema: DescMessage, { byteLength }: Uint8Array, maxBytes: number, place: MessagePlace): void {
  if (byteLength <= maxBytes) return;
  const size = `${byteLength} bytes, and the limit is ${maxBytes}`;
  throw invalid(place, `the ${schema.typeName} has ${size}; store less, or raise maxMessageBytes`);
}

function checkReadBack(schema: DescMessage, message: object, payload: Uint8Array, place: MessagePlace): void {
  if (losesText(message, payload)) {
    throw invalid(place, `a text in this ${schema.typeName} holds half a surrogate pair, which UTF-8 cannot`);
  }
  if (!mayBeTooDeep(schema, payload)) return;
  try {
    fromBinary(schema, payload);
  } catch (cause) {
    throw invalid(place, `this ${schema.typeName} could not be read back: ${(cause as Error).message}`, cause);
  }
}

function invalid({ table, id }: MessagePlace, reason: string, cause?: unknown): InvalidRecordError {
  return new InvalidRecordError(`${table} ${printId(id)}: ${reason}`, { details: { table, id: shortId(id) }, cause });
}
