import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, createDataStore, defineTable, InvalidRecordError } from '../index.ts';
import { adminOf, cokeAdmin, onTestServer, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
const asAdmin = adminOf(database);

afterAll(() => fixture[Symbol.asyncDispose]());

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const order = defineTable('purchase', {
  schema: z.object({
    id: z.string(),
    placed: z.date(),
    item: z.string(),
    due: z.date().optional(),
    size: z.int().default(1),
  }),
  defaults: { id: 'gen_random_uuid()', placed: `now() - interval '1 day'`, due: `date '2030-01-01'` },
});
await store.register([order], { roles: TENANT_ROLES });

describe('defaults in the database', () => {
  test('a record is inserted without computed values, and returned with them', async () => {
    const stored = await coke.insert(order, { item: 'cola' });
    expect(stored).toMatchObject({ item: 'cola', size: 1, id: expect.stringMatching(UUID), revision: 1 });
    expect(Date.now() - stored.placed.getTime()).toBeGreaterThan(3_600_000);
    expect(stored.due?.getUTCFullYear()).toBe(2030);
    expect(await coke.find(order, stored.id)).toEqual(stored);
  });

  test('given values are kept', async () => {
    const placed = new Date('2020-02-02T00:00:00Z');
    expect(await coke.insert(order, { id: 'mine', placed, item: 'x' })).toMatchObject({ id: 'mine', placed });
  });

  test('many at once, some with and some without, come back in their order as stored', async () => {
    const placed = new Date('2021-01-01T00:00:00Z');
    const items = Array.from({ length: 50 }, (_, index) =>
      index % 3 === 0 ? { item: `i${index}` } : { item: `i${index}`, id: `given-${index}`, placed },
    );
    const stored = await coke.insertMany(order, items);
    expect(stored.map(({ item }) => item)).toEqual(items.map(({ item }) => item));
    expect(stored[1]).toMatchObject({ id: 'given-1', placed });
    for (const record of [stored[0], stored[1], stored[48]])
      expect(await coke.find(order, record?.id as string)).toEqual(record);
  });

  test('upsert fills them for a new record and for one that it replaces', async () => {
    const first = await coke.upsert(order, { id: 'up', item: 'a', placed: new Date(0) });
    const second = await coke.upsert(order, { id: 'up', item: 'b' });
    expect(second).toMatchObject({ item: 'b', revision: 2 });
    expect(second.placed.getTime()).toBeGreaterThan(first.placed.getTime());
    expect((await coke.upsert(order, { item: 'c' })).id).toMatch(UUID);
  });

  test('an update takes no default: what must be there is asked for, what need not becomes null', async () => {
    const { due: _, ...stored } = await coke.insert(order, { item: 'cola' });
    const { placed: __, ...without } = stored;
    await expect(coke.update(order, without as typeof stored)).rejects.toThrow(InvalidRecordError);
    expect((await coke.update(order, stored)).due).toBeUndefined();
  });

  test.skipIf(cannotHoldOnCitus('instanced tables need an instancer there'))(
    'they are filled in a store without an instancer too',
    async () => {
      await using plain = await createDataStore({
        ...onTestServer,
        connection: database.url,
        adminConnection: database.adminUrl,
      });
      const sensor = defineTable('sensor', {
        schema: z.object({ id: z.string(), name: z.string() }),
        instanced: true,
        defaults: { id: 'gen_random_uuid()' },
      });
      await store.register([sensor], { roles: TENANT_ROLES });
      await plain.register([sensor], { roles: TENANT_ROLES });
      const session = plain.as(cokeAdmin);
      const [a, b] = await session.insertMany(sensor, [{ name: 'a' }, { name: 'b' }]);
      const c = await session.insert(sensor, { name: 'c' });
      expect(await session.findMany(sensor, { orderBy: { name: 'asc' } })).toEqual([a, b, c]);
    },
  );

  test("a check of the whole record works without the key's value", async () => {
    const ruled = defineTable('ruled', {
      schema: z.object({ id: z.string(), a: z.int(), b: z.int() }).refine(({ a, b }) => a < b, 'a must be less than b'),
      defaults: { id: 'gen_random_uuid()' },
    });
    await store.register([ruled], { roles: TENANT_ROLES });
    await expect(coke.insert(ruled, { a: 2, b: 1 })).rejects.toThrow('a must be less than b');
    expect((await coke.insert(ruled, { a: 1, b: 2 })).id).toMatch(UUID);
  });
});

describe('register', () => {
  const planned = async (defaults: { id?: string; at?: string }) => {
    const schema = z.object({ id: z.string(), at: z.date() });
    const table = defineTable('ticket', { schema, defaults: defaults as { id: string; at: string } });
    const plan = (await store.planSchema([table])).join('\n');
    await store.register([table], { roles: TENANT_ROLES });
    expect(await store.planSchema([table])).toEqual([]);
    return plan;
  };

  test('adds, changes and compares them, however Postgres prints them', async () => {
    await planned({});
    await store.as(cokeAdmin).insert(defineTable('ticket', { schema: z.object({ id: z.string(), at: z.date() }) }), {
      id: 'old',
      at: new Date(0),
    });
    expect(await planned({ at: 'now()' })).toContain('set default');
    expect(await planned({ at: `CURRENT_TIMESTAMP  +  interval '2 hours' * 3` })).toContain('set default');
    expect(
      await planned({ at: `CURRENT_TIMESTAMP + interval '2 hours'*3`, id: `'t-' || gen_random_uuid()` }),
    ).toContain('"id" set default');
    await asAdmin(`alter table ticket alter column at set default '2001-01-01'`);
    expect(await planned({ at: 'now()' })).toContain('"at" set default');
  });

  test('gives each row that is there a value of its own when the column is new', async () => {
    const base = z.object({ id: z.string() });
    await store.register([defineTable('badge', { schema: base })], { roles: TENANT_ROLES });
    await coke.insertMany(defineTable('badge', { schema: base }), [{ id: 'a' }, { id: 'b' }]);
    const badge = defineTable('badge', {
      schema: base.extend({ token: z.string() }),
      defaults: { token: 'gen_random_uuid()' },
    });
    await store.register([badge], { roles: TENANT_ROLES });
    const tokens = (await coke.findMany(badge)).map(({ token }) => token);
    expect(new Set(tokens).size).toBe(2);
  });
});

describe('defineTable refuses', () => {
  const schema = z.object({ id: z.string(), note: z.string().nullable(), size: z.int().default(1) });
  const define = (defaults: Record<string, unknown>) => () =>
    defineTable('bad', { schema, defaults: defaults as { id: string } });

  test.each([
    `'a'; drop table users`,
    `'a', 'b'`,
    `now() -- hidden`,
    'now() /* hidden */',
    `$1`,
    '$$a$$',
    '(select secret from other)',
    `now()) , (now()`,
    `(now()`,
    `E'\\''`,
    `'open`,
    'eu',
    'new.id',
    '',
    `a\0b`,
  ])('%j', (sql) => {
    expect(define({ id: sql })).toThrow(ConfigurationError);
  });

  test('columns that cannot have one', () => {
    expect(define({ nothing: 'now()' })).toThrow('nothing');
    expect(define({ note: `lower('A')` })).toThrow('null');
    expect(define({ size: '1 + 1' })).toThrow('already');
    expect(define({ id: 5 })).toThrow('text');
  });
});
