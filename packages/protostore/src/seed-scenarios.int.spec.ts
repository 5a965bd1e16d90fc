import { create } from '@bufbuild/protobuf';
import { defineTable, RecordNotFoundError, SimpleInstancer, TableNotRegisteredError } from '@intendant/core';
import { cannotHoldOnCitus, testDatabase, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createProtoStore, type ProtoSession } from './index.ts';
import { americasPepsi, type Fixture, openFixture, openStore, serviceAdmin, TENANT_ROLES } from './testing/fixture.ts';
import { CpuSchema, DiskSchema, MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

/*
 * The seed library's own cases, step by step in its order: tests of one group go on where the last one ended.
 */

const cpu = (name: string) =>
  create(CpuSchema, { brand: 'Intel', name, numberCores: 4, numberThreads: 8, minGhz: 1.6 });
const memory = (type: string) => create(MemorySchema, { brand: 'Samsung', size: 32, speed: 2933, type });
const disk = create(DiskSchema, { brand: 'Seagate', size: 4_000, speed: 7_200, type: 'SATA' });

let fixture: Fixture;
let pepsi: ProtoSession;
beforeAll(async () => {
  fixture = await openFixture();
  pepsi = fixture.protoStore.as(americasPepsi);
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('two types under the same ids', () => {
  test('each insert returns one row, the id, revision 1 and the instance', async () => {
    for (const id of ['P1', 'P2']) {
      for (const message of [memory(id), cpu(id)]) {
        expect(await pepsi.insert(id, message)).toMatchObject({
          rowsAffected: 1,
          metadata: { id, revision: 1, instanceId: 'Americas' },
        });
      }
    }
  });

  test('each type is listed and mapped alone, its messages equal', async () => {
    const list = await pepsi.findAll(MemorySchema);
    expect(list.map(({ message }) => message)).toEqual([memory('P1'), memory('P2')]);
    const map = await pepsi.findAllAsMap(MemorySchema);
    expect([...map].map(([id, { message }]) => [id, message])).toEqual([
      ['P1', memory('P1')],
      ['P2', memory('P2')],
    ]);
    expect((await pepsi.findAll(CpuSchema)).map(({ message }) => message)).toEqual([cpu('P1'), cpu('P2')]);
  });

  test('pages by offset and limit, and by the last message of the page before', async () => {
    const idsOf = (found: readonly { metadata: { id: string } }[]) => found.map(({ metadata }) => metadata.id);
    const [first] = await pepsi.findAll(CpuSchema, { limit: 1 });
    expect(first && idsOf([first])).toEqual(['P1']);
    expect(idsOf(await pepsi.findAll(CpuSchema, { limit: 1, offset: 1 }))).toEqual(['P2']);
    expect(idsOf(await pepsi.findAll(CpuSchema, { limit: 1, offset: 2 }))).toEqual([]);
    expect(first && idsOf(await pepsi.findAll(CpuSchema, { limit: 5, after: first }))).toEqual(['P2']);
  });
});

describe.each(['update', 'upsert'] as const)('a life by %s', (write) => {
  const id = `P4 ${write}`;
  const found = () => pepsi.findById(CpuSchema, id);

  test('the first write gives revision 1', async () => {
    const first = write === 'update' ? 'insert' : 'upsert';
    expect(await pepsi[first](id, cpu('m1'))).toMatchObject({ rowsAffected: 1, metadata: { id, revision: 1 } });
    expect((await found()).message).toEqual(cpu('m1'));
    expect(await pepsi.getRevision(CpuSchema, id)).toBe(1);
  });

  test('with the metadata just read, revision 2; without metadata, revision 3', async () => {
    const { metadata } = await found();
    expect(await pepsi[write](id, cpu('m3'), metadata)).toMatchObject({ rowsAffected: 1, metadata: { revision: 2 } });
    expect(await pepsi.getRevision(CpuSchema, id)).toBe(2);
    expect(await found()).toMatchObject({ message: cpu('m3'), metadata: { revision: 2 } });
    expect(await pepsi[write](id, cpu('m5'))).toMatchObject({ rowsAffected: 1, metadata: { revision: 3 } });
    expect((await pepsi.findAllAsMap(CpuSchema)).get(id)).toMatchObject({
      message: cpu('m5'),
      metadata: { revision: 3 },
    });
  });

  test('a soft delete is a change, hides, and shows again when asked for', async () => {
    expect(await pepsi.softDeleteById(CpuSchema, id)).toMatchObject({ rowsAffected: 1, metadata: { revision: 4 } });
    await expect(found()).rejects.toThrow(RecordNotFoundError);
    expect((await pepsi.findAllAsMap(CpuSchema)).has(id)).toBe(false);
    const hidden = await pepsi.findById(CpuSchema, id, { includeDeleted: true });
    expect(hidden).toMatchObject({ message: cpu('m5'), metadata: { revision: 4 } });
    expect((await pepsi.findAllAsMap(CpuSchema, { includeDeleted: true })).get(id)).toEqual(hidden);
  });

  test('the id is free for another type meanwhile', async () => {
    expect(await pepsi[write === 'update' ? 'insert' : 'upsert'](id, memory('m7'))).toMatchObject({ rowsAffected: 1 });
    expect(await pepsi.findById(MemorySchema, id)).toMatchObject({
      message: memory('m7'),
      metadata: { id, revision: 1 },
    });
  });

  test('deletes may be repeated', async () => {
    expect(await pepsi.deleteById(CpuSchema, id)).toBe(1);
    expect(await pepsi.deleteById(CpuSchema, id)).toBe(0);
    expect(await pepsi.softDeleteById(MemorySchema, id)).toMatchObject({ rowsAffected: 1 });
    expect(await pepsi.softDeleteById(MemorySchema, id)).toMatchObject({ rowsAffected: 0 });
  });
});

describe('messages beside ordinary records in transactions', () => {
  const application = defineTable('application', { schema: z.object({ id: z.string(), name: z.string() }) });
  const tables = () => ({ tables: [application, fixture.protoStore.table(DiskSchema)] });
  const session = () => fixture.store.as(americasPepsi);

  test('both are inserted', async () => {
    await fixture.store.register([application], { roles: TENANT_ROLES });
    await session().transaction(async (tx) => {
      expect(await fixture.protoStore.in(tx).insert('a1', disk)).toMatchObject({ rowsAffected: 1 });
      await tx.insert(application, { id: 'a2', name: 'app' });
    }, tables());
    expect((await pepsi.findById(DiskSchema, 'a1')).message).toEqual(disk);
  });

  test('both are found', async () => {
    await session().transaction(async (tx) => {
      expect((await fixture.protoStore.in(tx).findAll(DiskSchema)).map(({ message }) => message)).toEqual([disk]);
      expect(await tx.find(application, 'a2')).toMatchObject({ name: 'app' });
    }, tables());
  });

  test('both are soft-deleted, and not found by ordinary finds afterwards', async () => {
    await session().transaction(async (tx) => {
      expect(await fixture.protoStore.in(tx).softDeleteById(DiskSchema, 'a1')).toMatchObject({ rowsAffected: 1 });
      expect(await tx.softDelete(application, 'a2')).toBe(1);
    }, tables());
    await session().transaction(async (tx) => {
      const messages = fixture.protoStore.in(tx);
      expect(await messages.findAll(DiskSchema)).toEqual([]);
      expect(await tx.findMany(application)).toEqual([]);
      expect(await messages.findAll(DiskSchema, { includeDeleted: true })).toHaveLength(1);
      await expect(messages.findById(DiskSchema, 'a1')).rejects.toThrow(RecordNotFoundError);
    }, tables());
  });

  test('both are deleted, one row each', async () => {
    await session().transaction(async (tx) => {
      expect(await fixture.protoStore.in(tx).deleteById(DiskSchema, 'a1')).toBe(1);
      expect(await tx.delete(application, 'a2')).toBe(1);
    }, tables());
  });
});

test.skipIf(cannotHoldOnCitus('messages need an instancer there'))(
  'without an instancer, by a service admin',
  async () => {
    await using database = await testDatabase();
    await using store = await openStore(database);
    const protoStore = createProtoStore(store);
    await protoStore.register([MemorySchema], { roles: { service_auditor: 'reader', service_admin: 'writer' } });
    const coke = protoStore.as({ orgId: 'Coke', roles: ['service_admin'] });
    expect(await coke.upsert('0001', memory('DDR4'))).toMatchObject({ rowsAffected: 1, metadata: { revision: 1 } });
    expect(await coke.findById(MemorySchema, '0001')).toMatchObject({
      message: memory('DDR4'),
      metadata: { revision: 1 },
    });
    expect(await coke.softDeleteById(MemorySchema, '0001')).toMatchObject({ rowsAffected: 1 });
    expect(await coke.deleteById(MemorySchema, '0001')).toBe(1);
  },
);

test('dropped tables are reported, and created again by register', async () => {
  await using database = await testDatabase();
  await using store = await openStore(database, { instancer: new SimpleInstancer() });
  const protoStore = createProtoStore(store);
  await protoStore.register([CpuSchema, MemorySchema], { roles: TENANT_ROLES });
  const session = protoStore.as(americasPepsi);
  await session.insert('P1', memory('DDR4'));
  await withClient(database.adminUrl, (client) => client.query('drop table hardware_v1_cpu, hardware_v1_memory'));
  await expect(session.findAllAsMap(CpuSchema)).rejects.toThrow(TableNotRegisteredError);
  await expect(session.findAll(MemorySchema)).rejects.toThrow(TableNotRegisteredError);
  await protoStore.register([CpuSchema, MemorySchema], { roles: TENANT_ROLES });
  expect(await session.findAll(MemorySchema)).toEqual([]);
  expect(await protoStore.as(serviceAdmin).findAll(CpuSchema)).toEqual([]);
});
