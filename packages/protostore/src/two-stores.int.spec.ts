import { create } from '@bufbuild/protobuf';
import { type DataStore, DuplicateRecordError, InvalidRecordError, SimpleInstancer } from '@intendant/core';
import { cannotHoldOnCitus, testDatabase } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { createProtoStore, defineMessage } from './index.ts';
import { americasPepsi, europePepsi, openStore, TENANT_ROLES } from './testing/fixture.ts';
import { CpuSchema, MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

/*
 * Two services on one database. One separates instances by its instancer; the other has none and finds messages by id alone.
 */
const database = await testDatabase();
const opened: DataStore[] = [];

afterAll(async () => {
  for (const store of opened) await store.close();
  await database.drop();
});

const cpu = (brand: string) => create(CpuSchema, { brand });
const memory = (brand: string) => create(MemorySchema, { brand, size: 32, speed: 2933, type: 'DDR4' });

async function bothOn(table: string, first: 'regional' | 'global') {
  const definition = defineMessage(CpuSchema, { table, indexes: [['brand']] });
  const regionalStore = await openStore(database, { instancer: new SimpleInstancer() });
  const globalStore = await openStore(database);
  opened.push(regionalStore, globalStore);
  const [regional, global] = [createProtoStore(regionalStore), createProtoStore(globalStore)];
  for (const store of first === 'regional' ? [regional, global] : [global, regional])
    await store.register([definition], { roles: TENANT_ROLES });
  return {
    americas: regional.as(americasPepsi),
    europe: regional.as(europePepsi),
    all: global.as({ orgId: 'Pepsi', roles: ['tenant_admin'] }),
    inTransaction: <T>(run: (session: ReturnType<typeof global.in>) => Promise<T>) =>
      globalStore
        .as({ orgId: 'Pepsi', roles: ['tenant_admin'] })
        .transaction((tx) => run(global.in(tx)), { tables: [definition.table] }),
  };
}

describe.skipIf(cannotHoldOnCitus('messages need an instancer there')).each(['regional', 'global'] as const)(
  'two stores, the %s one registered first',
  (first) => {
    test('the store without an instancer changes messages where they are', async () => {
      const { americas, all } = await bothOn(`stays_${first}`, first);
      await americas.insert('A', cpu('one'));
      expect((await all.update('A', cpu('two'))).metadata).toMatchObject({ instanceId: 'Americas', revision: 2 });
      expect((await all.upsert('A', cpu('three'))).metadata).toMatchObject({ instanceId: 'Americas', revision: 3 });
      const { metadata } = await all.findById(CpuSchema, 'A');
      expect((await all.update('A', cpu('four'), metadata)).metadata).toMatchObject({ instanceId: 'Americas' });
      expect((await all.upsert('A', cpu('five'), { revision: 4 })).metadata.revision).toBe(5);
      await expect(all.insert('A', cpu('six'))).rejects.toThrow(DuplicateRecordError);
      expect(await all.softDeleteById(CpuSchema, 'A')).toMatchObject({ rowsAffected: 1, metadata: { revision: 6 } });
      expect(await all.softDeleteById(CpuSchema, 'A')).toEqual({ rowsAffected: 0, metadata: undefined });
      expect(await all.deleteById(CpuSchema, 'A')).toBe(1);
      expect(await americas.count(CpuSchema, { includeDeleted: true })).toBe(0);
    });

    test('an id that two instances have is refused by every verb, and nothing changes', async () => {
      const { americas, europe, all, inTransaction } = await bothOn(`both_${first}`, first);
      for (const session of [americas, europe]) await session.insert('A', cpu('one'));
      const attempts = {
        findById: () => all.findById(CpuSchema, 'A'),
        getMetadata: () => all.getMetadata(CpuSchema, 'A'),
        getRevision: () => all.getRevision(CpuSchema, 'A'),
        update: () => all.update('A', cpu('two')),
        'update at a revision': () => all.update('A', cpu('two'), { revision: 1 }),
        upsert: () => all.upsert('A', cpu('two')),
        'upsert at a revision': () => all.upsert('A', cpu('two'), { revision: 1 }),
        softDeleteById: () => all.softDeleteById(CpuSchema, 'A'),
        'softDeleteById at a revision': () => all.softDeleteById(CpuSchema, 'A', { revision: 1 }),
        deleteById: () => all.deleteById(CpuSchema, 'A'),
        'update in a transaction': () => inTransaction((session) => session.update('A', cpu('two'))),
      };
      for (const [verb, attempt] of Object.entries(attempts)) {
        const error: unknown = await attempt().then(String, (thrown: unknown) => thrown);
        expect(error, verb).toBeInstanceOf(InvalidRecordError);
        expect(String(error), verb).toMatch(/several instances have .*name orgId and instanceId/);
      }
      await expect(all.insert('A', cpu('two'))).rejects.toThrow(DuplicateRecordError);
      expect(
        (await all.findAll(CpuSchema)).map(({ metadata: { instanceId, revision } }) => [instanceId, revision]),
      ).toEqual([
        ['Americas', 1],
        ['Europe', 1],
      ]);
      expect((await all.update({ id: 'A', instanceId: 'Europe' }, cpu('two'))).metadata.instanceId).toBe('Europe');
      expect((await all.upsert('A', cpu('two'), { instanceId: 'Europe' })).metadata.revision).toBe(3);
      expect(await all.deleteById(CpuSchema, { id: 'A', instanceId: 'Europe' })).toBe(1);
      expect((await all.update('A', cpu('two'))).metadata.instanceId).toBe('Americas');
    });
  },
);

test('a type without instances is one for all instances of an org', async () => {
  await using own = await testDatabase();
  await using instanced = await openStore(own, { instancer: new SimpleInstancer() });
  const shared = createProtoStore(instanced);
  await shared.register([defineMessage(MemorySchema, { instanced: false })], { roles: TENANT_ROLES });
  const { metadata } = await shared.as(americasPepsi).insert('P1', memory('a'));
  expect(metadata.instanceId).toBe('');
  expect(await shared.as(europePepsi).update('P1', memory('b'), metadata)).toMatchObject({ metadata: { revision: 2 } });
  expect((await shared.as(americasPepsi).findById(MemorySchema, 'P1')).message).toEqual(memory('b'));
});

test.skipIf(cannotHoldOnCitus('messages need an instancer there')).each(['with', 'without'])(
  'the store %s an instancer started first: one without reads what one with wrote',
  async (first) => {
    await using own = await testDatabase();
    await using instanced = await openStore(own, { instancer: new SimpleInstancer() });
    await using plain = await openStore(own);
    const writing = createProtoStore(instanced);
    const reading = createProtoStore(plain);
    const inOrder = first === 'with' ? [writing, reading] : [reading, writing];
    for (const each of inOrder) await each.register([MemorySchema], { roles: TENANT_ROLES });
    await writing.as(americasPepsi).insert('P1', memory('a'));
    await writing.as(americasPepsi).upsert('P2', memory('b'));
    const found = await reading.as({ orgId: 'Pepsi', roles: ['tenant_admin'] }).findAllAsMap(MemorySchema);
    expect([...found.keys()]).toEqual(['P1', 'P2']);
    expect(found.get('P1')).toMatchObject({ message: memory('a'), metadata: { instanceId: 'Americas', revision: 1 } });
  },
);
