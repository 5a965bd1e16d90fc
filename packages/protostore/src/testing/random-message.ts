import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { type EveryKind, EveryKindSchema, Health } from './gen/hardware/v1/every_kind_pb.js';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const text = fc.string({ unit: 'binary', maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 20 });
const health = fc.constantFrom(Health.UNSPECIFIED, Health.GOOD, Health.FAILING, 77 as Health);

const mapOf = <Key, Value>(key: fc.Arbitrary<Key>, value: fc.Arbitrary<Value>) =>
  fc.dictionary(key.map(String), value, { maxKeys: 3, noNullPrototype: true });

const scalars = {
  doubleValue: fc.double(),
  floatValue: fc.float(),
  int32Value: int32,
  int64Value: int64,
  uint32Value: uint32,
  uint64Value: uint64,
  sint32Value: int32,
  sint64Value: int64,
  fixed32Value: uint32,
  fixed64Value: uint64,
  sfixed32Value: int32,
  sfixed64Value: int64,
  boolValue: fc.boolean(),
  stringValue: text,
  bytesValue: bytes,
  health,
  optionalString: text,
  optionalInt64: int64,
  packedNumbers: fc.array(int32, { maxLength: 4 }),
  repeatedStrings: fc.array(text, { maxLength: 4 }),
  repeatedHealths: fc.array(health, { maxLength: 4 }),
  labels: mapOf(text, text),
  blobs: mapOf(int64, bytes),
  healths: mapOf(fc.boolean(), health),
};

const scalarChoices = [
  fc.record({ case: fc.constant('chosenString' as const), value: text }),
  fc.record({ case: fc.constant('chosenNumber' as const), value: uint64 }),
  fc.record({ case: fc.constant('chosenFlag' as const), value: fc.boolean() }),
] as const;

const flat = fc
  .record({ ...scalars, choice: fc.oneof(...scalarChoices) }, { requiredKeys: [] })
  .map((fields): EveryKind => create(EveryKindSchema, fields));

const nested = fc
  .record(
    {
      ...scalars,
      nested: flat,
      children: fc.array(flat, { maxLength: 2 }),
      parts: mapOf(int32, flat),
      choice: fc.oneof(...scalarChoices, fc.record({ case: fc.constant('chosenMessage' as const), value: flat })),
    },
    { requiredKeys: [] },
  )
  .map((fields): EveryKind => create(EveryKindSchema, fields));

/** Encoded fields that this version of the proto file does not define, as a newer sender writes them. */
const unknownFields = fc
  .array(fc.tuple(fc.integer({ min: 1_000, max: 2_000 }), fc.oneof(bytes, uint64)), { maxLength: 3 })
  .map((fields) => {
    const writer = new BinaryWriter();
    for (const [number, value] of fields) {
      if (typeof value === 'bigint') writer.tag(number, WireType.Varint).uint64(value);
      else writer.tag(number, WireType.LengthDelimited).bytes(value);
    }
    return writer.finish();
  });

/** A message with fields of every kind, each present or absent, and fields that its type does not know. */
export const randomMessage: fc.Arbitrary<EveryKind> = fc.tuple(nested, unknownFields).map(([message, unknown]) => {
  if (unknown.byteLength === 0) return message;
  return fromBinary(EveryKindSchema, new Uint8Array([...toBinary(EveryKindSchema, message), ...unknown]));
});
