import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  ConfigurationError,
  InvalidRecordError,
  MissingContextError,
  MissingOrgIdError,
  RecordNotFoundError,
  TableNotRegisteredError,
} from '@intendant/core';
import { afterAll, describe, expect, test } from 'vitest';
import { createProtoStore } from './index.ts';
import { americasPepsi, openFixture } from './testing/fixture.ts';
import { Health } from './testing/gen/hardware/v1/every_kind_pb.js';
import { CpuSchema, DiskSchema, MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

const fixture = await openFixture();
const { protoStore, store } = fixture;
const session = protoStore.as(americasPepsi);
afterAll(() => fixture[Symbol.asyncDispose]());

const cpu = (brand: string) => create(CpuSchema, { brand });

describe('an id', () => {
  test.each([
    ["a quote and SQL'; drop table processor; --"],
    ['__proto__'],
    ['constructor'],
    ['%_\\'],
    ['👩‍🚀 ünïcödé'],
    ['line\nbreak\tand \\x00'],
    [' '],
    ['x'.repeat(500)],
  ])('%j is data', async (id) => {
    await session.insert(id, cpu(id));
    expect(await session.findById(CpuSchema, id)).toMatchObject({ message: { brand: id }, metadata: { id } });
    expect((await session.findAllAsMap(CpuSchema)).get(id)?.metadata.id).toBe(id);
    await session.update(id, cpu('changed'), { parentId: id });
    expect((await session.findAll(CpuSchema, { parentId: id })).map(({ metadata }) => metadata.id)).toEqual([id]);
    expect(await session.deleteById(CpuSchema, id)).toBe(1);
  });

  test.each([
    ['NUL', 'a\0b'],
    ['half a surrogate pair', 'a\ud800'],
    ['a number', 5],
    ['a bigint', 5n],
    ['a symbol', Symbol('id')],
    ['nothing', undefined],
    ['null', null],
    ['a list', ['a']],
    ['an object without an id', {}],
    ['an object with an object for an id', { id: { toString: () => 'a' } }],
  ])('that is %s is refused', async (_what, id) => {
    const attempts = [
      () => session.insert(id as never, cpu('a')),
      () => session.upsert(id as never, cpu('a')),
      () => session.update(id as never, cpu('a')),
      () => session.findById(CpuSchema, id as never),
      () => session.getRevision(CpuSchema, id as never),
      () => session.deleteById(CpuSchema, id as never),
      () => session.softDeleteById(CpuSchema, id as never),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow(InvalidRecordError);
  });

  test('too long for an index is refused when it is written, and is not there', async () => {
    const id = randomBytes(500_000).toString('hex');
    for (const write of ['insert', 'upsert'] as const) {
      const error: unknown = await session[write](id, cpu('a')).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InvalidRecordError);
      expect((error as Error).message.length).toBeLessThan(300);
    }
    const absent = [
      () => session.update(id, cpu('a')),
      () => session.findById(CpuSchema, id),
      () => session.getMetadata(CpuSchema, id),
    ];
    for (const attempt of absent) {
      const error: unknown = await attempt().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RecordNotFoundError);
      expect((error as Error).message.length).toBeLessThan(300);
    }
    expect(await session.deleteById(CpuSchema, id)).toBe(0);
  });
});

describe('a value given as a message', () => {
  test.each([[undefined], [null], ['text'], [5], [{}], [{ brand: 'x' }], [new Uint8Array(3)], [[cpu('a')]]])(
    '%j is refused',
    async (message) => {
      for (const write of ['insert', 'update', 'upsert'] as const) {
        await expect(session[write]('bad', message as never)).rejects.toThrow(/"bad".*not a message/);
      }
    },
  );

  test('of a type that is not registered is named', async () => {
    const own = createProtoStore(store);
    await own.register([MemorySchema]);
    await expect(own.as(americasPepsi).insert('a', create(DiskSchema))).rejects.toThrow(TableNotRegisteredError);
    await expect(own.as(americasPepsi).insert('a', create(DiskSchema))).rejects.toThrow(/hardware\.v1\.Disk/);
    await expect(own.as(americasPepsi).findAll(DiskSchema)).rejects.toThrow(/hardware\.v1\.Disk/);
    await expect(session.insert('a', { $typeName: '__proto__' })).rejects.toThrow(TableNotRegisteredError);
  });

  test('one more byte than the limit is refused by table, id and size, and the limit itself is not', async () => {
    const small = createProtoStore(store, { maxMessageBytes: 102 });
    await small.register([MemorySchema]);
    const writer = small.as(americasPepsi);
    await writer.insert('fits', create(MemorySchema, { brand: 'x'.repeat(100) }));
    const attempt = writer.insert('large', create(MemorySchema, { brand: 'x'.repeat(101) }));
    await expect(attempt).rejects.toMatchObject({ details: { table: 'hardware_v1_memory', id: 'large' } });
    await expect(attempt).rejects.toThrow(/hardware_v1_memory "large".*103 bytes.*102/);
    await expect(writer.upsert('fits', create(MemorySchema, { brand: 'x'.repeat(101) }))).rejects.toThrow(/103 bytes/);
    expect((await writer.findById(MemorySchema, 'fits')).metadata.revision).toBe(1);
  });

  test('is 8 MiB by default', async () => {
    const overhead = 5;
    const limit = 8 * 1024 * 1024;
    await session.insert('largest', create(MemorySchema, { brand: 'x'.repeat(limit - overhead) }));
    expect((await session.findById(MemorySchema, 'largest')).message.brand).toHaveLength(limit - overhead);
    await expect(
      session.insert('too large', create(MemorySchema, { brand: 'x'.repeat(limit - overhead + 1) })),
    ).rejects.toThrow(InvalidRecordError);
    await session.deleteById(MemorySchema, 'largest');
  });
});

test('an error says that the schema comes before the id', async () => {
  const swapped = session.findById('CPU1' as never, CpuSchema as never);
  await expect(swapped).rejects.toThrow(TableNotRegisteredError);
  await expect(swapped).rejects.toThrow(/schema comes first/);
});

test('what cannot be registered is named before any query', async () => {
  const bad = [undefined, null, 'Cpu', {}, [undefined], [{}], ['Cpu'], [Health], [{ kind: 'enum' }]];
  for (const messages of bad) {
    await expect(protoStore.register(messages as never)).rejects.toThrow(ConfigurationError);
  }
  for (const notAStore of [undefined, null, {}, protoStore]) {
    expect(() => createProtoStore(notAStore as never)).toThrow(ConfigurationError);
  }
  for (const notATransaction of [undefined, {}, store.as(americasPepsi)]) {
    expect(() => protoStore.in(notATransaction as never)).toThrow(ConfigurationError);
  }
  expect(() => createProtoStore(store, { maxMessageBytes: 0 })).toThrow(ConfigurationError);
  expect(() => createProtoStore(store, { maxMessageBytes: Number.NaN })).toThrow(ConfigurationError);
});

test('a missing context is the same error as in core', async () => {
  await expect(protoStore.as(undefined as never).findAll(CpuSchema)).rejects.toThrow(MissingContextError);
  const nobody = protoStore.as({ roles: ['tenant_admin'], instanceId: 'Americas' });
  await expect(nobody.insert('a', cpu('a'))).rejects.toThrow(MissingOrgIdError);
  await expect(nobody.findById(CpuSchema, 'a')).rejects.toThrow(MissingOrgIdError);
  const quoted = protoStore.as({ orgId: "Pepsi' or '1'='1", roles: ['tenant_admin'], instanceId: 'Americas' });
  expect(await quoted.findAll(CpuSchema)).toEqual([]);
  await quoted.insert('a', cpu('quoted'));
  await expect(session.findById(CpuSchema, 'a')).rejects.toThrow(RecordNotFoundError);
});
