import { create } from '@bufbuild/protobuf';
import { ConfigurationError } from '@intendant/core';
import { testDatabase, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtoStore, defineMessage, type FieldName, type MessageFilter } from './index.ts';
import { openStore, TENANT_ROLES } from './testing/fixture.ts';
import { EveryKindSchema, Health } from './testing/gen/hardware/v1/every_kind_pb.js';
import { MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

const VALUES = {
  doubleValue: -1.5e300,
  floatValue: 0.5,
  int32Value: -(2 ** 31),
  int64Value: -(2n ** 63n),
  uint32Value: 2 ** 32 - 1,
  uint64Value: 2n ** 63n - 1n,
  sint32Value: -7,
  sint64Value: -7n,
  fixed32Value: 2 ** 32 - 1,
  fixed64Value: 2n ** 53n + 1n,
  sfixed32Value: -7,
  sfixed64Value: 2n ** 62n,
  boolValue: true,
  stringValue: "';--",
  bytesValue: new Uint8Array([0, 255]),
  health: Health.FAILING,
  optionalString: '',
  optionalInt64: 0n,
} as const;
const FIELDS = Object.keys(VALUES) as (keyof typeof VALUES & FieldName<typeof EveryKindSchema>)[];

const database = await testDatabase();
// Without an instancer, so not distributed.
const store = await openStore(database, { distribution: undefined });
const protoStore = createProtoStore(store);
const session = protoStore.as({ orgId: 'Pepsi', roles: ['tenant_admin'] });

beforeAll(async () => {
  await protoStore.register([defineMessage(EveryKindSchema, { indexes: FIELDS.map((field) => [field]) })], {
    roles: TENANT_ROLES,
  });
  await session.insert('set', create(EveryKindSchema, VALUES));
  await session.insert('unset', create(EveryKindSchema));
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const idsWhere = async (where: MessageFilter<typeof EveryKindSchema>) =>
  (await session.findAll(EveryKindSchema, { where })).map(({ metadata }) => metadata.id);

describe('messages are found by an indexed field', () => {
  test.each(FIELDS)('%s', async (field) => {
    expect(await idsWhere({ [field]: VALUES[field] })).toEqual(['set']);
  });

  test('one without presence has its default, one with presence and not set has null', async () => {
    expect(await idsWhere({ stringValue: '' })).toEqual(['unset']);
    expect(await idsWhere({ optionalString: null })).toEqual(['unset']);
    expect(await idsWhere({ optionalString: '' })).toEqual(['set']);
  });
});

/** Values at the limits of each kind, in the order in which Postgres sorts them. */
const LIMITS: { readonly [Field in (typeof FIELDS)[number]]?: readonly unknown[] } = {
  doubleValue: [
    -Infinity,
    -Number.MAX_VALUE,
    -Number.MIN_VALUE,
    -0,
    Number.MIN_VALUE,
    0.1,
    Number.MAX_VALUE,
    Infinity,
    NaN,
  ],
  floatValue: [
    -Infinity,
    -(2 - 2 ** -23) * 2 ** 127,
    -(2 ** -149),
    -0,
    2 ** -149,
    0.3,
    2 ** -126,
    16_777_217,
    Infinity,
    NaN,
  ].sort((a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b)),
  int32Value: [-(2 ** 31), 2 ** 31 - 1],
  int64Value: [-(2n ** 63n), 2n ** 63n - 1n],
  uint32Value: [2 ** 31, 2 ** 32 - 1],
  uint64Value: [2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
  sint64Value: [-(2n ** 63n), 2n ** 63n - 1n],
  fixed32Value: [2 ** 31, 2 ** 32 - 1],
  fixed64Value: [2n ** 63n, 2n ** 64n - 1n],
  sfixed64Value: [-(2n ** 63n), 2n ** 63n - 1n],
  boolValue: [false, true],
  bytesValue: [new Uint8Array(), new Uint8Array([0]), new Uint8Array([0, 0]), new Uint8Array([255])],
  health: [-(2 ** 31), Health.FAILING, 2 ** 31 - 1],
};

describe('values at the limits of their kind are found by the value that was read, and paged once each', () => {
  test.each(Object.entries(LIMITS))('%s', async (field, values) => {
    const parentId = `limits of ${field}`;
    for (const [index, value] of values.entries())
      await session.insert(`${field} ${index}`, create(EveryKindSchema, { [field]: value }), { parentId });
    const expected = values.map((_, index) => `${field} ${index}`);
    for (const id of expected) {
      const { message } = await session.findById(EveryKindSchema, id);
      const read = message[field as keyof typeof message];
      for (const operand of [read, { eq: read }, { in: [read] }]) {
        const found = await session.findAll(EveryKindSchema, { parentId, where: { [field]: operand } });
        expect(found.map(({ metadata }) => metadata.id)).toEqual([id]);
      }
    }
    for (const [direction, order] of [['asc', expected] as const, ['desc', expected.toReversed()] as const]) {
      const seen: string[] = [];
      const pages = session.stream(EveryKindSchema, { parentId, orderBy: { [field]: direction }, limit: 1 });
      for await (const { metadata } of pages) if (seen.push(metadata.id) > order.length) break;
      expect(seen).toEqual(order);
    }
  });
});

test('columns of floats and unsigned integers from before are converted by register, and no revision changes', async () => {
  const definition = defineMessage(EveryKindSchema, {
    table: 'kind_before',
    indexes: [['floatValue'], ['uint64Value']],
  });
  const ofBefore = createProtoStore(store);
  const before = ofBefore.as({ orgId: 'Pepsi', roles: ['tenant_admin'] });
  const idsIn = async (where: MessageFilter<typeof EveryKindSchema>) =>
    (await before.findAll(EveryKindSchema, { where })).map(({ metadata: { id } }) => id);
  await ofBefore.register([definition], { roles: TENANT_ROLES });
  const values = { floatValue: 0.1, uint64Value: 2n ** 53n + 1n };
  await before.insert('old', create(EveryKindSchema, values));
  await before.insert('tiny', create(EveryKindSchema));
  await withClient(database.adminUrl, (client) =>
    client.query(`alter table kind_before alter field_float_value type double precision, alter field_uint64_value type bigint;
      alter table kind_before disable trigger user;
      update kind_before set field_float_value = case id when 'old' then 0.1 else 1e-300 end;
      alter table kind_before enable trigger user`),
  );
  await ofBefore.register([definition], { roles: TENANT_ROLES });
  const { message, metadata } = await before.findById(EveryKindSchema, 'old');
  expect(metadata.revision).toBe(1);
  for (const where of [{ floatValue: message.floatValue }, { floatValue: 0.1 }, { uint64Value: values.uint64Value }])
    expect(await idsIn(where)).toEqual(['old']);
  expect(await idsIn({ floatValue: 0 })).toEqual(['tiny']);
  expect(await store.planSchema()).toEqual([]);
});

test('two types cannot share a table', async () => {
  await expect(protoStore.register([defineMessage(MemorySchema, { table: 'hardware_v1_every_kind' })])).rejects.toThrow(
    ConfigurationError,
  );
});

test('a float is found by the value that was read or written, and paged once', async () => {
  for (const floatValue of [0.1, 0.2, -0.7]) {
    await session.insert(`float ${floatValue}`, create(EveryKindSchema, { floatValue, stringValue: 'float' }));
    const { message } = await session.findById(EveryKindSchema, `float ${floatValue}`);
    for (const value of [floatValue, message.floatValue]) {
      expect(await idsWhere({ floatValue: value })).toEqual([`float ${floatValue}`]);
      expect(await idsWhere({ floatValue: { in: [value] } })).toEqual([`float ${floatValue}`]);
    }
  }
  const seen: string[] = [];
  const where = { stringValue: 'float' };
  const next = (after?: Awaited<ReturnType<typeof session.findAll<typeof EveryKindSchema>>>[number]) =>
    session.findAll(EveryKindSchema, { where, orderBy: { floatValue: 'asc' }, limit: 1, ...(after && { after }) });
  for (let page = await next(); page.length > 0 && seen.length < 5; page = await next(page[0])) {
    seen.push(...page.map(({ metadata }) => metadata.id));
  }
  expect(seen).toEqual(['float -0.7', 'float 0.1', 'float 0.2']);
});
