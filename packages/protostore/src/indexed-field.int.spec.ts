import { create } from '@bufbuild/protobuf';
import { ConfigurationError } from '@intendant/core';
import { testDatabase } from '@intendant/devdb/testing';
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
const store = await openStore(database);
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

test('a value that its column cannot hold is refused, with the table', async () => {
  await expect(session.insert('high', create(EveryKindSchema, { uint64Value: 2n ** 63n }))).rejects.toThrow(
    /hardware_v1_every_kind.*64 bits/,
  );
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
