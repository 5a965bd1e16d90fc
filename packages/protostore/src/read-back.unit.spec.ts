import { create, toBinary } from '@bufbuild/protobuf';
import { StructSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { InvalidRecordError } from '@intendant/core';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { mayBeTooDeep } from './read-back.ts';
import { type EveryKind, EveryKindSchema } from './testing/gen/hardware/v1/every_kind_pb.js';
import { CpuSchema } from './testing/gen/hardware/v1/hardware_pb.js';

const place = { table: 'every_kind', id: 'K1' };
const encode = (message: EveryKind) => encodeMessage(EveryKindSchema, message, 1_000_000, place);

function nested(levels: number): EveryKind {
  let message = create(EveryKindSchema, { stringValue: 'the innermost' });
  for (let level = 1; level < levels; level++) message = create(EveryKindSchema, { nested: message });
  return message;
}

describe('a message that could not be parsed again is refused when it is written', () => {
  test('nested deeper than a reader follows', () => {
    expect(decodeMessage(EveryKindSchema, encode(nested(100)), place)).toEqual(nested(100));
    expect(() => encode(nested(101))).toThrow(InvalidRecordError);
    expect(() => encode(nested(101))).toThrow(/every_kind "K1".*could not be read back.*depth/);
  });

  test.each([
    ['a text', { stringValue: '\ud800' }],
    ['a text of a list', { repeatedStrings: ['fine', 'a\udc00b'] }],
    ['a key of a map', { labels: { '\ud800': 'fine' } }],
    ['a text of a nested message', { nested: { choice: { case: 'chosenString', value: '\ud800' } } }],
  ] as const)('half a surrogate pair in %s', (_where, fields) => {
    const message = create(EveryKindSchema, fields as never);
    expect(() => encode(message)).toThrow(InvalidRecordError);
    expect(() => encode(message)).toThrow(/half a surrogate pair/);
  });

  test('the replacement character itself is text like any other', () => {
    const message = create(EveryKindSchema, {
      stringValue: '\ufffd',
      bytesValue: toBinary(EveryKindSchema, nested(3)),
    });
    expect(decodeMessage(EveryKindSchema, encode(message), place)).toEqual(message);
  });
});

test('only types that can contain themselves are asked how deep they are', () => {
  const large = new Uint8Array(1_000);
  expect(mayBeTooDeep(EveryKindSchema, large)).toBe(true);
  expect(mayBeTooDeep(StructSchema, large)).toBe(true);
  expect(mayBeTooDeep(CpuSchema, large)).toBe(false);
  expect(mayBeTooDeep(TimestampSchema, large)).toBe(false);
  expect(mayBeTooDeep(EveryKindSchema, new Uint8Array(199))).toBe(false);
});
