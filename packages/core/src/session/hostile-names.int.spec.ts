import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { auditIsolation, DuplicateRecordError, defineTable, RecordNotFoundError } from '../index.ts';
import { cokeAdmin, openTestStore, pepsiAdmin, TENANT_ROLES } from '../testing/fixtures.ts';

/** What statements, functions and triggers call things, keywords, settings, and names that only quotes keep apart. */
const NAMES = [
  'new',
  'old',
  'excluded',
  'target',
  'source',
  'stored',
  'present',
  'given',
  'inserted',
  'value',
  'values',

  'key',
  'position',
  'ordinality',
  'place',
  'i',
  'g',
  'o',
  'r',
  'x',
  't',
  'e',
  'c0',
  'c1',
  'count',
  'min',
  'record',
  'user',
  'order',
  'group',
  'select',
  'from',
  'where',
  'table',
  'null',
  'default',
  'current_user',
  'revision_',
  'name',
  'status',
  'action',
  'note',
  'point',
  'orgid',
  'ORG_ID',
  'Id',
  'tg_op',
  'tg_table_name',
  'found',
  '$1',
  'a b',
  'quote"d',
  "it's",
  'back\\slash',
  'per%cent',
  'semi;colon',
  '--',
  'é',
  'constructor',
  'toString',
] as const;

const fixture = await openTestStore();
const { store } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

type Name = (typeof NAMES)[number];
const shape = Object.fromEntries(NAMES.map((name) => [name, z.string()])) as Record<Name, z.ZodString>;
const parent = defineTable('select', { schema: z.object({ user: z.string() }), key: ['user'] });
const table = defineTable('user', {
  schema: z.object({ ...shape, id: z.string(), wide: z.json().optional() }),
  key: ['id', 'new', 'values'],
  indexes: [
    { fields: ['excluded', 'order'], unique: true },
    ['value', 'key', 'quote"d'],
    { fields: ['wide'], using: 'gin' },
    { fields: ['group'], where: `"group" <> 'a'` },
  ],
  references: [{ fields: ['from'], table: parent, onDelete: 'cascade' }],
});
type Row = { id: string } & Record<Name, string>;
const make = (id: string, value: string): Row => ({
  ...(Object.fromEntries(NAMES.map((name) => [name, `${name} ${value}`])) as Record<Name, string>),
  id,
  new: id,
  values: 'v',
  from: 'parent',
});
const keyOf = (id: string) => ({ id, new: id, values: 'v' });

test('columns and tables may have any name, in every statement', async () => {
  await store.register([parent, table], { roles: TENANT_ROLES });
  expect(await store.planSchema()).toEqual([]);
  expect(await auditIsolation(store)).toEqual([]);
  const session = store.as(cokeAdmin);
  await session.insert(parent, { user: 'parent' });

  const first = await session.insert(table, make('1', 'a'));
  expect(first).toMatchObject(make('1', 'a'));
  expect(await session.insertMany(table, [make('2', 'b'), make('3', 'c')])).toMatchObject([
    make('2', 'b'),
    make('3', 'c'),
  ]);
  expect(await session.update(table, { ...first, ...make('1', 'd') })).toMatchObject(make('1', 'd'));
  expect(await session.upsert(table, make('2', 'e'))).toMatchObject({ ...make('2', 'e'), revision: 2 });
  expect(await session.find(table, keyOf('3'))).toMatchObject(make('3', 'c'));
  await expect(session.insert(table, { ...make('4', 'c'), from: 'parent' })).rejects.toThrow(DuplicateRecordError);
  await expect(store.as(pepsiAdmin).find(table, keyOf('1'))).rejects.toThrow(RecordNotFoundError);
});

test.each(NAMES)('%j is filtered by, ordered by, paged by and changed in many records', async (name) => {
  const session = store.as(cokeAdmin);
  const orderBy = { [name]: 'desc' } as never;
  const all = await session.findMany(table, { orderBy });
  expect(all).toHaveLength(3);
  const [first, second] = all as [(typeof all)[0], (typeof all)[0]];
  const rest = await session.findMany(table, { orderBy, after: first });
  expect(rest.map(({ id }) => id)).toEqual(all.slice(1).map(({ id }) => id));
  const where = { [name]: second[name], id: second.id } as never;
  expect(await session.findMany(table, { where })).toMatchObject([{ id: second.id }]);
  expect(await session.count(table, { where })).toBe(1);
  if (['new', 'values', 'from'].includes(name)) return;
  expect(await session.updateMany(table, where, { [name]: second[name] } as never)).toBe(1);
});

test('they are soft-deleted, deleted, and cascade', async () => {
  const session = store.as(cokeAdmin);
  expect(await session.softDelete(table, keyOf('1'))).toBe(1);
  expect(await session.delete(table, keyOf('2'))).toBe(1);
  await session.delete(parent, { user: 'parent' });
  expect(await session.findMany(table, { includeDeleted: true })).toEqual([]);
});
