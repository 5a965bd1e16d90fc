import { cannotHoldOnCitus, isOnCitus } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auditIsolation, DuplicateRecordError, defineTable, InvalidRecordError } from '../index.ts';
import {
  adminOf,
  cokeAdmin,
  cokeAuditor,
  inAmericas,
  inEurope,
  openTestStore,
  pepsiAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store, database } = fixture;
const coke = store.as(inAmericas(cokeAdmin));
const pepsi = store.as(inAmericas(pepsiAdmin));
const roles = { ...TENANT_ROLES };
const asAdmin = adminOf(database);

afterAll(() => fixture[Symbol.asyncDispose]());

const team = defineTable('team', { schema: z.object({ id: z.string(), name: z.string() }) });
const shape = {
  id: z.string(),
  email: z.string().optional(),
  kind: z.string().default('a'),
  tags: z.array(z.string()).default([]),
  team: z.string().optional(),
  mentor: z.string().optional(),
};
const person = defineTable('person', {
  schema: z.object(shape),
  indexes: [
    ['kind', 'id'],
    { fields: ['email'], unique: true },
    { fields: ['kind'], where: `kind <> 'a'` },
    { fields: ['tags'], using: 'gin', operatorClass: 'jsonb_path_ops' },
  ],
  references: [
    { fields: ['team'], table: team },
    {
      fields: ['mentor'],
      table: defineTable('mentor', { schema: z.object({ id: z.string() }) }),
      onDelete: isOnCitus() ? 'restrict' : 'setNull', // Citus does not set a part of a key to null.
    },
  ],
});
const mentor = defineTable('mentor', { schema: z.object({ id: z.string() }) });
const task = defineTable('task', {
  schema: z.object({ id: z.string(), person: z.string() }),
  references: [{ fields: ['person'], table: person, onDelete: 'cascade' }],
});
const place = defineTable('place', {
  schema: z.object({ id: z.string(), name: z.string() }),
  instanced: true,
  indexes: [{ fields: ['name'], unique: true, includeDeleted: true }],
});

await store.register([task, person, team, mentor, place], { roles });

test('after register nothing is left to plan, and objects made by hand remain', async () => {
  await asAdmin(`create unique index by_hand on person (org_id, id, email);
    alter table task add constraint key_by_hand foreign key (org_id, person) references person (org_id, id)`);
  expect(await store.planSchema()).toEqual([]);
  await store.register([task, person, team, mentor, place]);
  const { rows } = await asAdmin(`select to_regclass('by_hand') is not null as index,
    exists (select from pg_constraint where conname = 'key_by_hand') as key`);
  expect(rows).toEqual([{ index: true, key: true }]);
  await asAdmin('drop index by_hand; alter table task drop constraint key_by_hand');
  expect(await auditIsolation(store)).toEqual([]);
});

describe('a unique index', () => {
  test('applies within an org, reveals nothing of another one, and ignores nulls and soft-deleted records', async () => {
    await pepsi.insert(person, { id: 'P', email: 'x@y' });
    await coke.insert(person, { id: 'A', email: 'x@y' });
    await expect(coke.insert(person, { id: 'B', email: 'x@y' })).rejects.toThrow(DuplicateRecordError);
    await coke.insertMany(person, [{ id: 'C' }, { id: 'D' }]);
    await coke.softDelete(person, 'A');
    const stored = await coke.insert(person, { id: 'B', email: 'x@y' });
    expect(await coke.update(person, { ...stored, kind: 'b' })).toMatchObject({ email: 'x@y' });
    await expect(coke.updateMany(person, { id: 'C' }, { email: 'x@y' })).rejects.toThrow(DuplicateRecordError);
  });

  test('of an instanced table holds within an instance, soft-deleted records included if that is asked for', async () => {
    await coke.insert(place, { id: 'A', name: 'here' });
    await store.as(inEurope(cokeAdmin)).insert(place, { id: 'A', name: 'here' });
    await coke.softDelete(place, 'A');
    await expect(coke.insert(place, { id: 'B', name: 'here' })).rejects.toThrow(DuplicateRecordError);
  });

  test('is dropped when the definition no longer has it, and replaced when its condition changes', async () => {
    const first = defineTable('moody', { schema: z.object(shape), indexes: [{ fields: ['email'], unique: true }] });
    const narrower = defineTable('moody', {
      schema: z.object(shape),
      indexes: [{ fields: ['email'], unique: true, where: `kind = 'b'` }],
    });
    await store.register([first], { roles });
    await coke.insert(first, { id: 'A', email: 'x' });
    await expect(coke.insert(first, { id: 'B', email: 'x' })).rejects.toThrow(DuplicateRecordError);
    await store.register([narrower], { roles });
    await coke.insert(narrower, { id: 'B', email: 'x' });
    await coke.insert(narrower, { id: 'C', email: 'x', kind: 'b' });
    await expect(coke.insert(narrower, { id: 'D', email: 'x', kind: 'b' })).rejects.toThrow(DuplicateRecordError);
    await store.register([defineTable('moody', { schema: z.object(shape) })], { roles });
    await coke.insert(narrower, { id: 'D', email: 'x', kind: 'b' });
  });
});

describe('a reference', () => {
  test('finds only records of the same org, whether others exist or not', async () => {
    await pepsi.insert(team, { id: 'theirs', name: 'x' });
    const messages: string[] = [];
    for (const name of ['theirs', 'nowhere'])
      await coke.insert(person, { id: 'R', team: name }).catch((error: Error) => messages.push(error.message));
    expect(messages).toHaveLength(2);
    expect(messages[0]).toBe(messages[1]);
    await coke.insert(team, { id: 'ours', name: 'x' });
    expect(await coke.insert(person, { id: 'R', team: 'ours' })).toMatchObject({ team: 'ours' });
  });

  test('prevents the deletion of the referenced record, also from soft-deleted records', async () => {
    await expect(coke.delete(team, 'ours')).rejects.toThrow(InvalidRecordError);
    await coke.softDelete(person, 'R');
    await expect(coke.delete(team, 'ours')).rejects.toThrow('still refer to it');
    await coke.delete(person, 'R');
    expect(await coke.delete(team, 'ours')).toBe(1);
  });

  test.skipIf(cannotHoldOnCitus('Citus does not set a part of a key to null'))(
    'is deleted with it, or set to null, only in the same org',
    async () => {
      for (const session of [coke, pepsi]) {
        await session.insert(mentor, { id: 'M' });
        await session.insert(person, { id: 'S', mentor: 'M' });
        await session.insert(task, { id: 'T', person: 'S' });
      }
      await coke.delete(mentor, 'M');
      expect(await coke.find(person, 'S')).toMatchObject({ revision: 2 });
      expect((await coke.find(person, 'S')).mentor).toBeUndefined();
      await coke.delete(person, 'S');
      expect(await coke.findMany(task)).toEqual([]);
      expect(await pepsi.find(person, 'S')).toMatchObject({ mentor: 'M', revision: 1 });
      expect(await pepsi.findMany(task)).toHaveLength(1);
    },
  );

  test('is dropped when the definition no longer has it', async () => {
    const free = defineTable('task', { schema: task.schema });
    await store.register([free], { roles });
    expect(await coke.insert(free, { id: 'U', person: 'nobody' })).toMatchObject({ person: 'nobody' });
  });
});

describe('updateMany', () => {
  const item = defineTable('item', { schema: z.object({ id: z.string(), n: z.int32(), note: z.string().optional() }) });

  test('changes what the filter finds in the own org, counts each change, and leaves out soft-deleted records', async () => {
    await store.register([item], { roles });
    for (const session of [coke, pepsi])
      await session.insertMany(
        item,
        ['A', 'B', 'C', 'D'].map((id, n) => ({ id, n, note: 'x' })),
      );
    await coke.softDelete(item, 'D');
    expect(await coke.updateMany(item, { n: { gte: 1 } }, { n: 7, note: undefined })).toBe(2);
    expect((await coke.findMany(item)).map(({ id, n, note, revision }) => [id, n, note, revision])).toEqual([
      ['A', 0, 'x', 1],
      ['B', 7, undefined, 2],
      ['C', 7, undefined, 2],
    ]);
    expect(await pepsi.count(item, { where: { n: 7 } })).toBe(0);
    expect(await coke.transaction((tx) => tx.updateMany(item, {}, { n: 8 }))).toBe(3);
  });

  test.each([
    ['nothing to change', {}],
    ['the key', { id: 'E' }],
    ['a field that does not exist', { other: 1 }],
    ['the revision', { revision: 7 }],
    ['the org', { orgId: 'Pepsi' }],
    ['a value that does not fit', { n: 'seven' }],
    ['undefined for a field that must be there', { n: undefined }],
  ])('refuses %s', async (_what, changes) => {
    await expect(coke.updateMany(item, {}, changes as never)).rejects.toThrow(InvalidRecordError);
  });

  test('needs a right to write, and a filter', async () => {
    await expect(store.as(inAmericas(cokeAuditor)).updateMany(item, {}, { n: 1 })).rejects.toThrow('no right');
    await expect(coke.updateMany(item, undefined as never, { n: 1 })).rejects.toThrow('{} selects all records');
  });
});

test.each([
  ['an unknown column', { indexes: [{ fields: ['nope'] }] }],
  ['no fields', { indexes: [{ fields: [] }] }],
  ['a GIN index on text', { indexes: [{ fields: ['email'], using: 'gin' }] }],
  ['a unique GIN index', { indexes: [{ fields: ['tags'], using: 'gin', unique: true }] }],
  ['an operator class that is SQL', { indexes: [{ fields: ['tags'], using: 'gin', operatorClass: 'x); drop' }] }],
  ['a key of other types', { references: [{ fields: ['tags'], table: team }] }],
  ['too many fields', { references: [{ fields: ['team', 'email'], table: team }] }],
  ['nulls where none may be', { references: [{ fields: ['kind'], table: team, onDelete: 'setNull' }] }],
  [
    'a shared table',
    { references: [{ fields: ['team'], table: defineTable('s', { schema: team.schema, tenancy: 'shared' }) }] },
  ],
  ['an instanced table, from one that is not', { references: [{ fields: ['team'], table: place }] }],
])('defineTable refuses %s', (_what, options) => {
  expect(() => defineTable('refused', { schema: z.object(shape), ...(options as object) })).toThrow('refused');
});
