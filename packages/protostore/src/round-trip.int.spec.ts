import { create, fromBinary, getExtension, setExtension, toBinary } from '@bufbuild/protobuf';
import { anyPack, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { InvalidRecordError, SimpleInstancer } from '@intendant/core';
import { atScale, withClient } from '@intendant/devdb/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtoStore } from './index.ts';
import { americasPepsi, openFixture, openStore, TENANT_ROLES } from './testing/fixture.ts';
import { EveryKindSchema } from './testing/gen/hardware/v1/every_kind_pb.js';
import { CpuSchema } from './testing/gen/hardware/v1/hardware_pb.js';
import { Grade, LegacySchema, owner } from './testing/gen/hardware/v1/legacy_pb.js';
import { randomMessage } from './testing/random-message.ts';

/** Messages in all. */
const MESSAGES = atScale(500, 10_000);
const BATCH = 100;

const fixture = await openFixture();
const session = fixture.protoStore.as(americasPepsi);
afterAll(() => fixture[Symbol.asyncDispose]());

test('random messages with fields of every kind, known and unknown, come back equal', {
  timeout: 300_000,
}, async () => {
  let round = 0;
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(randomMessage, { minLength: BATCH, maxLength: BATCH, size: 'max' }), async (messages) => {
      const parentId = `round ${++round}`;
      await Promise.all(
        messages.map((message, index) => session.insert(`${parentId}/${index}`, message, { parentId })),
      );
      const stored = await session.findAllAsMap(EveryKindSchema, { parentId });
      for (const [index, message] of messages.entries()) {
        const found = stored.get(`${parentId}/${index}`)?.message;
        expect(found).toEqual(message);
        expect(found && toBinary(EveryKindSchema, found)).toEqual(toBinary(EveryKindSchema, message));
        checked++;
      }
    }),
    {
      numRuns: Math.ceil(MESSAGES / BATCH),
      interruptAfterTimeLimit: 280_000,
      markInterruptAsFailure: true,
      endOnFailure: true,
    },
  );
  expect(checked).toBe(Math.ceil(MESSAGES / BATCH) * BATCH);
});

describe('a proto2 message', () => {
  beforeAll(() => fixture.protoStore.register([LegacySchema], { roles: TENANT_ROLES }));

  test('with a group, an extension and well-known types comes back equal, what is not set still so', async () => {
    const message = create(LegacySchema, {
      serial: 'S1',
      grade: Grade.SERVER,
      socket: { name: 'LGA1700' },
      unpacked: [1n, -(2n ** 63n)],
      madeAt: timestampFromDate(new Date('2026-02-03T04:05:06.789Z')),
      uptime: { seconds: -5n, nanos: -1 },
      extra: { list: [1, 'two', null, { three: true }] },
      note: '',
      anything: anyPack(CpuSchema, create(CpuSchema, { brand: 'Intel' })),
    });
    setExtension(message, owner, 'Jane');
    await session.insert('whole', message);
    const { message: found } = await session.findById(LegacySchema, 'whole');
    expect(found).toEqual(message);
    expect(getExtension(found, owner)).toBe('Jane');
    expect(found.watts).toBe(65);
    expect(Object.hasOwn(found, 'watts')).toBe(false);
  });

  test('keeps an enum value that its closed enum does not know', async () => {
    const bytes = new Uint8Array([...toBinary(LegacySchema, create(LegacySchema, { serial: 'S2' })), 3 << 3, 77]);
    await session.insert('newer', fromBinary(LegacySchema, bytes));
    const { message } = await session.findById(LegacySchema, 'newer');
    expect(toBinary(LegacySchema, message)).toEqual(bytes);
  });

  test('without its required field is refused', async () => {
    const incomplete = session.insert('incomplete', create(LegacySchema, { note: 'no serial' }));
    await expect(incomplete).rejects.toThrow(InvalidRecordError);
    await expect(incomplete).rejects.toThrow(/hardware_v1_legacy "incomplete".*serial/);
  });
});

test.each([
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['standard_conforming_strings', 'off'],
  ['transform_null_equals', 'on'],
])('a message and its metadata come back under %s = %s', async (setting, value) => {
  const { database } = fixture;
  const login = new URL(database.url).username;
  await withClient(database.adminUrl, (client) => client.query(`alter role ${login} set ${setting} to '${value}'`));
  await using store = await openStore(database, { instancer: new SimpleInstancer() });
  const protoStore = createProtoStore(store);
  await protoStore.register([EveryKindSchema], { roles: TENANT_ROLES });
  const underPreset = protoStore.as(americasPepsi);
  const message = create(EveryKindSchema, {
    stringValue: "it\\'s é€",
    bytesValue: Uint8Array.from({ length: 256 }, (_, index) => index),
    doubleValue: 0.1 + 0.2,
  });
  await underPreset.insert(setting, message, { parentId: `it\\'s ${setting}` });
  expect((await underPreset.findById(EveryKindSchema, setting)).message).toEqual(message);
  const found = await underPreset.findAll(EveryKindSchema, { parentId: `it\\'s ${setting}` });
  expect(found.map(({ message: one }) => one)).toEqual([message]);
  await withClient(database.adminUrl, (client) => client.query(`alter role ${login} reset ${setting}`));
});
