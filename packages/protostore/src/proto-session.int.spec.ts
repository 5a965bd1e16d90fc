import { create } from '@bufbuild/protobuf';
import {
  DuplicateRecordError,
  defineTable,
  InvalidRecordError,
  OperationNotAllowedError,
  RecordNotFoundError,
  RevisionConflictError,
  SimpleInstancer,
  TableNotRegisteredError,
} from '@intendant/core';
import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createProtoStore, defineMessage } from './index.ts';
import {
  americasCoke,
  americasPepsi,
  europePepsi,
  openFixture,
  openStore,
  pepsiAuditor,
  serviceAdmin,
  TENANT_ROLES,
} from './testing/fixture.ts';
import { CpuSchema, DiskSchema, MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

const fixture = await openFixture({ maxMessageBytes: 1_000 });
const { protoStore, store, database } = fixture;
const pepsi = protoStore.as(americasPepsi);
const coke = protoStore.as(americasCoke);
afterAll(() => fixture[Symbol.asyncDispose]());

const cpu = (brand: string, numberCores = 4) =>
  create(CpuSchema, { brand, name: 'Pentium', numberCores, numberThreads: 8, minGhz: 1.6 });
const memory = (brand: string) => create(MemorySchema, { brand, size: 32, speed: 2933, type: 'DDR4' });

describe('one message through its life', () => {
  test('insert, optimistic update, unconditional update, soft delete, delete', async () => {
    const inserted = await pepsi.insert('life', cpu('Intel'));
    expect(inserted).toMatchObject({
      rowsAffected: 1,
      metadata: { id: 'life', orgId: 'Pepsi', instanceId: 'Americas', revision: 1, parentId: null },
    });
    expect(await pepsi.findById(CpuSchema, 'life')).toEqual({ message: cpu('Intel'), metadata: inserted.metadata });

    const updated = await pepsi.update('life', cpu('AMD'), inserted.metadata);
    expect(updated).toMatchObject({
      rowsAffected: 1,
      metadata: { revision: 2, createdAt: inserted.metadata.createdAt },
    });
    expect(await pepsi.update('life', cpu('ARM'))).toMatchObject({ metadata: { revision: 3 } });
    expect((await pepsi.findById(CpuSchema, 'life')).message).toEqual(cpu('ARM'));
    expect(await pepsi.getRevision(CpuSchema, 'life')).toBe(3);

    const hidden = await pepsi.softDeleteById(CpuSchema, 'life');
    expect(hidden).toMatchObject({ rowsAffected: 1, metadata: { revision: 4, deletedAt: expect.any(Date) } });
    expect(await pepsi.softDeleteById(CpuSchema, 'life')).toEqual({ rowsAffected: 0, metadata: undefined });
    await expect(pepsi.findById(CpuSchema, 'life')).rejects.toThrow(RecordNotFoundError);
    await expect(pepsi.getMetadata(CpuSchema, 'life')).rejects.toThrow(RecordNotFoundError);
    expect(await pepsi.findById(CpuSchema, 'life', { includeDeleted: true })).toEqual({
      message: cpu('ARM'),
      metadata: hidden.metadata,
    });
    expect(await pepsi.getMetadata(CpuSchema, 'life', { includeDeleted: true })).toEqual(hidden.metadata);

    expect(await pepsi.deleteById(CpuSchema, 'life')).toBe(1);
    expect(await pepsi.deleteById(CpuSchema, 'life')).toBe(0);
  });

  test('an upsert adds at revision 1, follows the revision it is given, and brings a soft-deleted message back', async () => {
    await expect(pepsi.upsert('upsert', cpu('a'), { revision: 7 })).rejects.toThrow(RecordNotFoundError);
    expect(await pepsi.upsert('upsert', cpu('a'), { revision: 0 })).toMatchObject({ metadata: { revision: 1 } });
    const { metadata } = await pepsi.upsert('upsert', cpu('b'), { revision: 1 });
    expect(await pepsi.upsert('upsert', cpu('c'))).toMatchObject({ rowsAffected: 1, metadata: { revision: 3 } });
    await expect(pepsi.upsert('upsert', cpu('d'), metadata)).rejects.toThrow(RevisionConflictError);
    await pepsi.softDeleteById(CpuSchema, 'upsert', { revision: 3 });
    expect(await pepsi.upsert('upsert', cpu('e'))).toMatchObject({ metadata: { revision: 5, deletedAt: null } });
    expect((await pepsi.findById(CpuSchema, 'upsert')).message).toEqual(cpu('e'));
  });

  test('a stale revision is refused and changes nothing', async () => {
    const { metadata } = await pepsi.insert('stale', cpu('a'));
    await pepsi.update('stale', cpu('b'), metadata);
    await expect(pepsi.update('stale', cpu('c'), metadata)).rejects.toThrow(RevisionConflictError);
    await expect(pepsi.softDeleteById(CpuSchema, 'stale', { revision: 1 })).rejects.toThrow(RevisionConflictError);
    await expect(pepsi.deleteById(CpuSchema, 'stale', { revision: 1 })).rejects.toThrow(RevisionConflictError);
    expect(await pepsi.findById(CpuSchema, 'stale')).toMatchObject({ message: cpu('b'), metadata: { revision: 2 } });
  });

  test("a new message begins at revision 1 even when it comes with another message's metadata", async () => {
    expect(await pepsi.insert('copied', cpu('a'), { revision: 9 })).toMatchObject({ metadata: { revision: 1 } });
  });

  test('an existing id and a missing id are reported', async () => {
    await pepsi.insert('taken', cpu('a'));
    await expect(pepsi.insert('taken', cpu('b'))).rejects.toThrow(DuplicateRecordError);
    await expect(pepsi.update('absent', cpu('a'))).rejects.toThrow(/processor.*absent.*not found/);
    await expect(pepsi.update('absent', cpu('a'))).rejects.toThrow(RecordNotFoundError);
  });

  test('the parent is kept when a writer omits it, and removed when it is null', async () => {
    expect(await pepsi.insert('child', cpu('a'), { parentId: 'host' })).toMatchObject({
      metadata: { parentId: 'host' },
    });
    expect(await pepsi.update('child', cpu('b'))).toMatchObject({ metadata: { parentId: 'host' } });
    expect(await pepsi.upsert('child', cpu('c'))).toMatchObject({ metadata: { parentId: 'host' } });
    expect((await pepsi.findAll(CpuSchema, { parentId: 'host' })).map(({ metadata }) => metadata.id)).toEqual([
      'child',
    ]);
    expect(await pepsi.update('child', cpu('d'), { parentId: null })).toMatchObject({ metadata: { parentId: null } });
  });
});

describe('types, tenants and instances', () => {
  test('types with equal ids do not affect each other', async () => {
    await pepsi.insert('P4', cpu('a'));
    await pepsi.softDeleteById(CpuSchema, 'P4');
    expect(await pepsi.insert('P4', memory('b'))).toMatchObject({ metadata: { revision: 1 } });
    expect((await pepsi.findById(MemorySchema, 'P4')).message).toEqual(memory('b'));
    expect(await pepsi.deleteById(CpuSchema, 'P4')).toBe(1);
    expect(await pepsi.getRevision(MemorySchema, 'P4')).toBe(1);
  });

  test('another org or instance sees nothing, and has messages of its own under the same id', async () => {
    await pepsi.insert('same', memory('pepsi'));
    await expect(coke.findById(MemorySchema, 'same')).rejects.toThrow(RecordNotFoundError);
    await expect(protoStore.as(europePepsi).findById(MemorySchema, 'same')).rejects.toThrow(RecordNotFoundError);
    await coke.insert('same', memory('coke'));
    expect((await pepsi.findById(MemorySchema, 'same')).message.brand).toBe('pepsi');
    await expect(coke.update({ id: 'same', orgId: 'Pepsi' }, memory('stolen'))).rejects.toThrow(
      OperationNotAllowedError,
    );
    await expect(protoStore.as(pepsiAuditor).upsert('same', memory('x'))).rejects.toThrow(OperationNotAllowedError);
  });

  test('a caller who sees several orgs names one, and cannot have two in one map', async () => {
    const service = protoStore.as(serviceAdmin);
    await pepsi.insert('both', create(DiskSchema, { brand: 'pepsi' }));
    await coke.insert('both', create(DiskSchema, { brand: 'coke' }));
    await expect(service.getMetadata(DiskSchema, 'both')).rejects.toThrow(/name orgId/);
    expect((await service.findById(DiskSchema, { id: 'both', orgId: 'Coke' })).message.brand).toBe('coke');
    expect(await service.update({ id: 'both', orgId: 'Coke' }, create(DiskSchema, { brand: 'new' }))).toMatchObject({
      metadata: { orgId: 'Coke', revision: 2 },
    });
    expect((await pepsi.findById(DiskSchema, 'both')).message.brand).toBe('pepsi');
    await expect(service.findAllAsMap(DiskSchema)).rejects.toThrow(/several tenants/);
  });
});

describe('finding many', () => {
  test('by indexed fields, in their order, page by page, streamed and as a map', async () => {
    await using own = await openFixture();
    const session = own.protoStore.as(americasPepsi);
    for (let index = 0; index < 10; index++) await session.insert(`c${index}`, cpu(index % 2 ? 'Intel' : 'AMD', index));
    const ids = (found: readonly { metadata: { id: string } }[]) => found.map(({ metadata }) => metadata.id);

    expect(ids(await session.findAll(CpuSchema, { where: { brand: 'Intel', numberCores: { gte: 5 } } }))).toEqual([
      'c5',
      'c7',
      'c9',
    ]);
    expect(ids(await session.findAll(CpuSchema, { where: { or: [{ numberCores: 1 }, { numberCores: 2 }] } }))).toEqual([
      'c1',
      'c2',
    ]);
    expect(await session.count(CpuSchema, { where: { maxGhz: null } })).toBe(10);
    const first = await session.findAll(CpuSchema, { orderBy: { brand: 'desc', numberCores: 'desc' }, limit: 6 });
    expect(ids(first)).toEqual(['c9', 'c7', 'c5', 'c3', 'c1', 'c8']);
    const after = first.at(-1);
    expect(
      ids(
        await session.findAll(CpuSchema, { orderBy: { brand: 'desc', numberCores: 'desc' }, ...(after && { after }) }),
      ),
    ).toEqual(['c6', 'c4', 'c2', 'c0']);
    const streamed: string[] = [];
    for await (const { metadata } of session.stream(CpuSchema, { limit: 3 })) streamed.push(metadata.id);
    expect(streamed).toEqual(Array.from({ length: 10 }, (_, index) => `c${index}`));
    expect((await session.findAllAsMap(CpuSchema)).get('c3')?.message).toEqual(cpu('Intel', 3));

    await session.softDeleteById(CpuSchema, 'c3');
    expect((await session.findAllAsMap(CpuSchema)).has('c3')).toBe(false);
    expect((await session.findAllAsMap(CpuSchema, { includeDeleted: true })).get('c3')?.metadata.revision).toBe(2);
    await session.update('c4', cpu('Intel', 44));
    expect(ids(await session.findAll(CpuSchema, { where: { numberCores: 44 } }))).toEqual(['c4']);
  });

  test('a field without an index is refused', async () => {
    await expect(pepsi.findAll(CpuSchema, { where: { name: 'x' } })).rejects.toThrow(/no index on "name"/);
    await expect(pepsi.findAll(MemorySchema, { orderBy: { brand: 'asc' } })).rejects.toThrow(InvalidRecordError);
  });
});

describe('bad input', () => {
  test('a value that is not a message, an unregistered type, and a message over the limit are refused by name', async () => {
    await expect(pepsi.insert('bad', { brand: 'x' } as never)).rejects.toThrow(/not a message/);
    const stranger = createProtoStore(store).as(americasPepsi);
    await expect(stranger.insert('bad', cpu('a'))).rejects.toThrow(TableNotRegisteredError);
    await expect(pepsi.insert('bad', cpu('x'.repeat(2_000)))).rejects.toThrow(/processor "bad".*20\d\d bytes.*1000/);
    await expect(pepsi.insert('bad', create(CpuSchema, { numberCores: -1 }))).rejects.toThrow(
      /processor "bad".*hardware\.v1\.Cpu has no binary form/,
    );
    await expect(pepsi.findById(CpuSchema, 'bad', { includeDeleted: true })).rejects.toThrow(RecordNotFoundError);
    expect(() => protoStore.resource(MemorySchema).record('bad', cpu('a') as never)).toThrow(
      /expected a hardware\.v1\.Memory, was given a hardware\.v1\.Cpu/,
    );
  });

  test('stored bytes that do not parse name table and id', async () => {
    await pepsi.insert('broken', memory('a'));
    await store
      .as(americasPepsi)
      .transaction((tx) =>
        tx.query(`update ${protoStore.table(MemorySchema).name} set payload = '\\xff' where id = 'broken'`),
      );
    const attempt = pepsi.findById(MemorySchema, 'broken');
    await expect(attempt).rejects.toThrow(InvalidRecordError);
    await expect(attempt).rejects.toMatchObject({ details: { table: 'hardware_v1_memory', id: 'broken' } });
    await pepsi.deleteById(MemorySchema, 'broken');
  });
});

describe('transactions', () => {
  const application = defineTable('application', { schema: z.object({ id: z.string() }) });

  test.skipIf(cannotHoldOnCitus('a transaction that names no tables cannot use two roles there'))(
    'messages and ordinary records are committed together or not at all',
    async () => {
      await store.register([application], { roles: TENANT_ROLES });
      const session = store.as(americasPepsi);
      const failed = session.transaction(async (tx) => {
        await tx.insert(application, { id: 'a1' });
        await protoStore.in(tx).insert('tx', memory('a'));
        expect((await protoStore.in(tx).findById(MemorySchema, 'tx')).message).toEqual(memory('a'));
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
      await expect(pepsi.findById(MemorySchema, 'tx')).rejects.toThrow(RecordNotFoundError);

      await session.transaction(async (tx) => {
        await tx.insert(application, { id: 'a1' });
        const { metadata } = await protoStore.in(tx).insert('tx', memory('a'));
        await protoStore.in(tx).update('tx', memory('b'), metadata);
        await expect(protoStore.in(tx).update('tx', memory('c'), metadata)).rejects.toThrow(RevisionConflictError);
      });
      expect(await session.find(application, 'a1')).toMatchObject({ id: 'a1' });
      expect(await pepsi.findById(MemorySchema, 'tx')).toMatchObject({
        message: memory('b'),
        metadata: { revision: 2 },
      });
    },
  );
});

test('options that do not exist are refused by name', async () => {
  const unknown = { includeDelete: true } as never;
  const attempts = [
    () => pepsi.insert('options', cpu('Intel'), {}, unknown),
    () => pepsi.update('options', cpu('Intel'), {}, unknown),
    () => pepsi.upsert('options', cpu('Intel'), {}, unknown),
    () => pepsi.findById(CpuSchema, 'options', unknown),
    () => pepsi.findAll(CpuSchema, unknown),
    () => pepsi.count(CpuSchema, unknown),
    () => pepsi.getRevision(CpuSchema, 'options', unknown),
    () => pepsi.softDeleteById(CpuSchema, 'options', unknown),
    () => pepsi.deleteById(CpuSchema, 'options', unknown),
    async () => createProtoStore(store, unknown),
    async () => defineMessage(CpuSchema, unknown),
  ];
  for (const attempt of attempts) await expect(attempt()).rejects.toThrow(/there is no option "includeDelete"/);
});

test('a store that is closed says so, whatever is asked of it', async () => {
  const closed = await openStore(database, { instancer: new SimpleInstancer() });
  const closedStore = createProtoStore(closed);
  await closedStore.register([CpuSchema, MemorySchema], { roles: TENANT_ROLES });
  const session = closedStore.as(americasPepsi);
  await closed.close();
  const attempts = [
    () => session.insert('closed', cpu('Intel')),
    () => session.update('closed', cpu('Intel')),
    () => session.upsert('closed', cpu('Intel')),
    () => session.findById(CpuSchema, 'closed'),
    () => session.findAll(CpuSchema),
    () => session.findAllAsMap(CpuSchema),
    () => session.stream(CpuSchema).next(),
    () => session.count(CpuSchema),
    () => session.getMetadata(CpuSchema, 'closed'),
    () => session.getRevision(CpuSchema, 'closed'),
    () => session.softDeleteById(CpuSchema, 'closed'),
    () => session.deleteById(CpuSchema, 'closed'),
    () => closedStore.register([CpuSchema]),
  ];
  for (const attempt of attempts)
    await expect(attempt(), attempt.toString()).rejects.toThrow('the data store is closed; open a new one');
});
