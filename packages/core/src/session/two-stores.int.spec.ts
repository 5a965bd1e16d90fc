import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  type DataStore,
  DuplicateRecordError,
  defineTable,
  InvalidRecordError,
  RecordNotFoundError,
} from '../index.ts';
import { openStore, openTestStore } from '../testing/fixtures.ts';

/*
 * Two services on one database. One keeps instances apart by its instancer; the other has none and works by key.
 */
const { database, store: regional, [Symbol.asyncDispose]: dispose } = await openTestStore();
const opened: DataStore[] = [];

afterAll(async () => {
  for (const store of opened) await store.close();
  await dispose();
});

const roles = { tenant_admin: 'tenant_writer', service_admin: 'writer' } as const;
const pepsi = { orgId: 'Pepsi', roles: ['tenant_admin'] };

/** The table, registered by both stores in this order, and a session of each. */
async function bothOn(name: string, first: 'regional' | 'global') {
  const vm = defineTable(name, {
    schema: z.object({ id: z.string(), size: z.int32(), note: z.string().optional() }),
    instanced: true,
  });
  const global = await openStore(database, { instancer: undefined as never });
  opened.push(global);
  for (const store of first === 'regional' ? [regional, global] : [global, regional])
    await store.register([vm], { roles });
  return {
    vm,
    americas: regional.as({ ...pepsi, instanceId: 'Americas' }),
    europe: regional.as({ ...pepsi, instanceId: 'Europe' }),
    all: global.as(pepsi),
  };
}

const describeHere = describe.skipIf(cannotHoldOnCitus('instanced tables need an instancer there'));

describeHere.each(['regional', 'global'] as const)('two stores, the %s one registered first', (first) => {
  test('the store without an instancer changes records where they are', async () => {
    const { vm, americas, all } = await bothOn(`stays_${first}`, first);
    await americas.insert(vm, { id: 'A', size: 1, note: 'x' });
    expect(await all.find(vm, 'A')).toMatchObject({ instanceId: 'Americas', size: 1 });
    expect(await all.update(vm, { id: 'A', size: 2, revision: 1 })).toMatchObject({ instanceId: 'Americas' });
    expect(await all.upsert(vm, { id: 'A', size: 3 })).toMatchObject({ instanceId: 'Americas', revision: 3 });
    expect(await all.upsert(vm, { id: 'A', size: 4, revision: 3 })).toMatchObject({ revision: 4 });
    expect(await all.updateMany(vm, { id: 'A' }, { note: 'y' })).toBe(1);
    expect(await americas.findMany(vm)).toMatchObject([{ id: 'A', size: 4, note: 'y', revision: 5 }]);
    expect(await all.count(vm)).toBe(1);
    expect(await all.softDelete(vm, 'A')).toBe(1);
    await expect(all.insert(vm, { id: 'A', size: 1 })).rejects.toThrow(DuplicateRecordError);
    expect(await all.upsert(vm, { id: 'A', size: 5 })).toMatchObject({ instanceId: 'Americas', deletedAt: null });
    expect(await all.delete(vm, 'A')).toBe(1);
    expect(await americas.findMany(vm, { includeDeleted: true })).toEqual([]);
  });

  test('an instance that is named is the one that is meant, and is never changed', async () => {
    const { vm, americas, all } = await bothOn(`named_${first}`, first);
    const stored = await americas.insert(vm, { id: 'A', size: 1 });
    const elsewhere = { ...stored, instanceId: 'Europe', size: 2 };
    await expect(all.update(vm, elsewhere)).rejects.toThrow(RecordNotFoundError);
    expect(await all.delete(vm, { id: 'A', instanceId: 'Europe' })).toBe(0);
    expect(await all.softDelete(vm, { id: 'A', instanceId: 'Europe' })).toBe(0);
    expect(await all.update(vm, { ...stored, size: 2 })).toMatchObject({ instanceId: 'Americas', size: 2 });
    expect(await all.delete(vm, { id: 'A', instanceId: 'Americas' })).toBe(1);
  });

  test('a key that two instances have is refused by every method, and nothing changes', async () => {
    const { vm, americas, europe, all } = await bothOn(`both_${first}`, first);
    const stored = [await americas.insert(vm, { id: 'A', size: 1 }), await europe.insert(vm, { id: 'A', size: 1 })];
    const attempts = {
      find: () => all.find(vm, 'A'),
      update: () => all.update(vm, { id: 'A', size: 2, revision: 1 }),
      upsert: () => all.upsert(vm, { id: 'A', size: 2 }),
      'upsert at a revision': () => all.upsert(vm, { id: 'A', size: 2, revision: 1 }),
      softDelete: () => all.softDelete(vm, 'A'),
      'softDelete at a revision': () => all.softDelete(vm, 'A', { revision: 1 }),
      delete: () => all.delete(vm, 'A'),
      'delete in a transaction': () => all.transaction((tx) => tx.delete(vm, 'A'), { tables: [vm] }),
    };
    for (const [verb, attempt] of Object.entries(attempts)) {
      const error = await attempt().then(String, (thrown: unknown) => thrown);
      expect(error, verb).toBeInstanceOf(InvalidRecordError);
      expect(String(error), verb).toMatch(/several instances have a record with this key.*name orgId and instanceId/);
    }
    await expect(all.insert(vm, { id: 'A', size: 2 })).rejects.toThrow(DuplicateRecordError);
    await expect(
      all.insertMany(vm, [
        { id: 'B', size: 2 },
        { id: 'A', size: 2 },
      ]),
    ).rejects.toThrow(DuplicateRecordError);
    expect(await all.findMany(vm)).toEqual(stored);
    expect(await all.updateMany(vm, { id: 'A' }, { size: 3 })).toBe(2);
    expect(await all.upsert(vm, { id: 'A', size: 4, instanceId: 'Europe' })).toMatchObject({ revision: 3 });
    expect(await all.delete(vm, { id: 'A', instanceId: 'Europe' })).toBe(1);
    expect(await all.find(vm, 'A')).toMatchObject({ instanceId: 'Americas', size: 3 });
    expect(await all.delete(vm, 'A')).toBe(1);
  });

  test('its new records belong to no instance, or to the one they name', async () => {
    const { vm, americas, all } = await bothOn(`new_${first}`, first);
    expect(await all.insert(vm, { id: 'A', size: 1 })).toMatchObject({ instanceId: '' });
    const [b, c] = await all.insertMany(vm, [
      { id: 'B', size: 1, instanceId: 'Americas' },
      { id: 'C', size: 1 },
    ]);
    expect([b?.instanceId, c?.instanceId]).toEqual(['Americas', '']);
    expect((await americas.findMany(vm)).map(({ id }) => id)).toEqual(['B']);
    expect(await all.insertMany(vm, [{ id: 'D', size: 1, revision: 7 }])).toMatchObject([{ revision: 7 }]);
    expect(await all.find(vm, 'D')).toMatchObject({ revision: 7, instanceId: '' });
    await expect(all.insert(vm, { id: 'B', size: 1 })).rejects.toThrow(DuplicateRecordError);
  });

  test('pages by key show every record once, after a record or a bare key', async () => {
    const { vm, americas, europe, all } = await bothOn(`paged_${first}`, first);
    for (const session of [americas, europe]) await session.insertMany(vm, ids('A', 'B', 'C'));
    const seen: string[] = [];
    for await (const { id, instanceId } of all.stream(vm, { limit: 1 })) seen.push(`${id} ${instanceId}`);
    expect(seen).toEqual(['A', 'B', 'C'].flatMap((id) => [`${id} Americas`, `${id} Europe`]));
    expect((await all.findMany(vm, { after: 'B' })).map(({ id }) => id)).toEqual(['C', 'C']);
  });
});

const ids = (...all: string[]) => all.map((id) => ({ id, size: 1 }));
