import { cannotHoldOnCitus, isOnCitus, withClient } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  auditIsolation,
  ConfigurationError,
  defineTable,
  OperationNotAllowedError,
  RecordNotFoundError,
} from '../index.ts';
import {
  adminOf,
  cokeAdmin,
  letInherit,
  openStore,
  openTestStore,
  pepsiAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
const login = new URL(database.url).username;
const role = (name: string) => `intendant_${database.name}_${name}`;
const asAdmin = adminOf(database);
const roles = { ...TENANT_ROLES };

afterAll(() => fixture[Symbol.asyncDispose]());

const item = defineTable('item', {
  schema: z.object({ id: z.string(), kind: z.enum(['a', "b's"]), size: z.int32() }),
  indexes: [['kind']],
});

test('register runs exactly the plan, and afterwards nothing is left to plan', async () => {
  const planned = await store.planSchema([item]);
  expect(planned.join('\n')).toContain('create table "public"."item"');
  const { rows } = await asAdmin(`select to_regclass('item') as item`);
  expect(rows).toEqual([{ item: null }]);
  await withClient(database.adminUrl, async (client) => {
    for (const sql of planned) await client.query(sql);
  });
  await store.register([item], { roles });
  expect(await store.planSchema()).toEqual([]);
  expect(await store.planSchema([item])).toEqual([]);
  expect(await auditIsolation(store)).toEqual([]);
});

describe('register restores whatever was changed', () => {
  const damagesOfConstraints = {
    'the values a column may have':
      'alter table item drop constraint item_kind_check, add constraint item_kind_check check (size > 0)',
    'the name of the primary key': 'alter table item rename constraint item_pkey to other',
  };
  const damages = {
    'row security': 'alter table item disable row level security; alter table item no force row level security',
    'a policy of the same name with another condition': 'alter policy intendant_tenant_reader on item using (true)',
    'a policy that checked no writes': 'alter policy intendant_tenant_writer on item with check (true)',
    'a restrictive policy that took our name':
      'drop policy intendant_reader on item; create policy intendant_reader on item as restrictive using (true)',
    'policies of others that widen': 'create policy extra on item using (true)',
    "others' rights": 'grant all on item to public',
    'rights that were lost': `revoke select on item from ${role('reader')}`,
    'rights on a column': `grant update (kind) on item to ${role('reader')}`,
    'a role that was made mighty': `alter role ${role('reader')} login bypassrls`,
    'inheritance by the login': letInherit(role('writer'), login),
    'a membership that was revoked': `revoke ${role('writer')} from ${login}`,
    'the trigger': 'drop trigger intendant_revision on item',
    'the trigger, disabled': 'alter table item disable trigger intendant_revision',
    'the trigger, on one column alone':
      'create or replace trigger intendant_revision before update of kind on item for each row execute function intendant.keep_revision()',
    "the trigger's function": `create or replace function intendant.keep_revision() returns trigger language plpgsql as 'begin return new; end'`,
    'an index': 'drop index item_kind_idx',
    // Citus changes one constraint in a statement, and renames none.
    ...(!isOnCitus() && damagesOfConstraints),
  };

  test.each(Object.entries(damages))('%s', async (_what, damage) => {
    await asAdmin(damage);
    expect(await store.planSchema()).not.toEqual([]);
    await store.register([item], { roles });
    expect(await store.planSchema()).toEqual([]);
    expect(await auditIsolation(store)).toEqual([]);
    const stored = await coke.upsert(item, { id: 'one', kind: 'a', size: 1 });
    expect(await coke.update(item, stored)).toMatchObject({ revision: stored.revision + 1 });
  });

  test.skipIf(cannotHoldOnCitus('a distributed table must be undistributed first, which register says'))(
    'a table that changes its tenancy, with the policies of its new one',
    async () => {
      const shared = defineTable('turncoat', { schema: z.object({ id: z.string() }), tenancy: 'shared' });
      const tenanted = defineTable('turncoat', { schema: z.object({ id: z.string() }) });
      await store.register([shared], { roles });
      await store.register([tenanted], { roles });
      await coke.insert(tenanted, { id: 'cokes' });
      expect(await store.as(pepsiAdmin).findMany(tenanted)).toEqual([]);
      await expect(store.as(pepsiAdmin).find(tenanted, { id: 'cokes', orgId: 'Coke' })).rejects.toThrow(
        OperationNotAllowedError,
      );
      expect(await auditIsolation(store)).toEqual([]);
    },
  );
});

describe('a definition that grew', () => {
  test('brings columns and indexes, and fills them in rows that were there', async () => {
    const first = defineTable('grown', { schema: z.object({ id: z.string(), size: z.int32() }) });
    await store.register([first], { roles });
    await coke.insert(first, { id: 'old', size: 7 });
    const second = defineTable('grown', {
      schema: z.object({
        id: z.string(),
        size: z.int(),
        note: z.string().optional(),
        colour: z.string().default("it's \\red"),
      }),
      indexes: [['colour', 'size']],
    });
    await store.register([second], { roles });
    expect(await coke.find(second, 'old')).toMatchObject({ size: 7, colour: "it's \\red", revision: 1 });
    expect(await coke.insert(second, { id: 'new', size: 2 ** 40 })).toMatchObject({ size: 2 ** 40 });
    expect(await store.planSchema([second])).toEqual([]);
  });

  const original = defineTable('strict', {
    schema: z.object({ id: z.string(), size: z.int(), note: z.string().optional() }),
  });
  const changes = {
    'a column that is new and not null': [
      z.object({ id: z.string(), size: z.int(), note: z.string().optional(), extra: z.string() }),
      'column extra is new and not null',
    ],
    'a column of another type': [
      z.object({ id: z.string(), size: z.string(), note: z.string().optional() }),
      'column size is bigint, and should be text',
    ],
    'a column that must no longer be null': [
      z.object({ id: z.string(), size: z.int(), note: z.string() }),
      'column note may be null, and should be not null',
    ],
    'a column that is gone': [z.object({ id: z.string() }), 'column size is in the database'],
  } as const;

  test.each(Object.entries(changes))(
    'is refused with the difference where it would lose data: %s',
    async (_what, [schema, difference]) => {
      await store.register([original], { roles });
      await coke.upsert(original, { id: 'row', size: 1 });
      const changed = defineTable('strict', { schema });
      await expect(store.register([changed], { roles })).rejects.toThrow(ConfigurationError);
      await expect(store.register([changed], { roles })).rejects.toThrow(
        `table strict cannot be changed without losing data: ${difference}`,
      );
      await expect(store.planSchema([changed])).rejects.toThrow(difference);
      expect(await coke.find(original, 'row')).toMatchObject({ size: 1 });
    },
  );

  test('names every difference at once, and changes nothing', async () => {
    const changed = defineTable('strict', {
      schema: z.object({ id: z.string(), size: z.string(), note: z.string(), fine: z.string().optional() }),
      key: ['id', 'size'],
    });
    await expect(store.register([changed], { roles })).rejects.toThrow(/size is bigint.*note may be null/);
    const { rows } = await asAdmin(
      `select from information_schema.columns where table_name = 'strict' and column_name = 'fine'`,
    );
    expect(rows).toEqual([]);
  });
});

test.each([
  ['reserved words', 'user', ['order', 'group', 'select']],
  ['the longest there are', 't'.repeat(63), ['c'.repeat(63), 'd'.repeat(62)]],
  ['capitals', 'MixedCase', ['fooBar', 'FOOBAR', 'foobar']],
  ['other scripts', 'таблица_жûr', ['größe', '名前', '😀']],
  ['quotes and blanks', `a "quoted" 'name'; --`, ['x"y', "z'", 'p%s', 'back\\slash']],
  ["Postgres' and JavaScript's own", 'constructor', ['toString', 'hasOwnProperty', 'current_user', 'oid']],
])('names that are %s work everywhere', async (_what, name, fields) => {
  const shape = Object.fromEntries([['id', z.string()], ...fields.map((field) => [field, z.string().nullable()])]);
  const odd = defineTable(name, {
    schema: z.object(shape) as z.ZodObject<{ id: z.ZodString }>,
    instanced: true,
    indexes: [fields as never],
  });
  await store.register([odd], { roles });
  expect(await store.planSchema([odd])).toEqual([]);
  const session = store.as({ ...cokeAdmin, instanceId: 'Americas' });
  const values = Object.fromEntries(fields.map((field, index) => [field, index === 0 ? null : `value ${index}`]));
  const [many] = await session.insertMany(odd, [{ id: 'many', ...values }]);
  const stored = await session.insert(odd, { id: 'one', ...values });
  expect({ ...many, id: 'one', createdAt: 0, updatedAt: 0 }).toEqual({ ...stored, createdAt: 0, updatedAt: 0 });
  const updated = await session.update(odd, { ...stored, [fields[0] as string]: 'changed' } as typeof stored);
  expect(await session.upsert(odd, updated)).toMatchObject({ revision: 3 });
  const orderBy = { [fields[0] as string]: 'desc' } as never;
  const where = { [fields[0] as string]: 'changed' } as never;
  expect((await session.findMany(odd, { where, orderBy })).map(({ id }) => id)).toEqual(['one']);
  expect(await session.findMany(odd, { orderBy, after: many as never })).toHaveLength(1);
  expect(await session.softDelete(odd, 'one')).toBe(1);
  expect(await session.deleteMany(odd, { where: {} })).toBe(2);
  expect(await auditIsolation(store)).toEqual([]);
});

test('a schema and a role prefix of any name hold tables of their own', async () => {
  const rolePrefix = `${database.name} "ünüsual" ${'x'.repeat(60)}`;
  await using odd = await openStore(database, { schema: 'Odd "schema"', rolePrefix });
  await odd.register([item], { roles });
  const session = odd.as(cokeAdmin);
  await session.insert(item, { id: 'odd', kind: "b's", size: 1 });
  expect((await session.findMany(item)).map(({ id }) => id)).toEqual(['odd']);
  await expect(coke.find(item, 'odd')).rejects.toThrow(RecordNotFoundError);
  expect(await odd.planSchema()).toEqual([]);
  expect(await auditIsolation(odd)).toEqual([]);
  await asAdmin(`do $$ declare r record; begin
    for r in select rolname from pg_roles where starts_with(rolname, '${database.name} "ünüsual"') loop
      execute format('drop owned by %I', r.rolname); execute format('drop role %I', r.rolname);
    end loop; end $$`);
});

test('two long names with the same beginning do not conflict', async () => {
  const tables = ['x', 'y'].map((end) =>
    defineTable(`${'t'.repeat(62)}${end}`, { schema: z.object({ id: z.string(), a: z.string() }), indexes: [['a']] }),
  );
  await store.register(tables, { roles });
  expect(await store.planSchema(tables)).toEqual([]);
});

test('a table of another copy of the package is refused with what to do', async () => {
  const path = '../table/define-table.ts?another-copy';
  const copy = (await import(path)) as { defineTable: typeof defineTable };
  const foreign = copy.defineTable('foreign', { schema: z.object({ id: z.string() }) });
  const refusal =
    /table foreign was not made by defineTable of this copy .*`npm ls @intendant\/core` lists several copies/;
  await expect(store.register([foreign])).rejects.toThrow(refusal);
  await expect(store.planSchema([foreign])).rejects.toThrow(refusal);
  await expect(store.register([undefined as never])).rejects.toThrow(ConfigurationError);
});

test('a name of 64 bytes is refused before Postgres would cut it', () => {
  expect(() => defineTable('é'.repeat(32), { schema: z.object({ id: z.string() }) })).toThrow(/longer than 63 bytes/);
});

test('registering again works after every connection was dropped', async () => {
  await using other = await openStore(database);
  await other.register([item], { roles });
  await asAdmin(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity
     where datname = current_database() and (usename = '${login}' or application_name = 'intendant register')`,
  );
  await other.register([item], { roles });
  expect(await other.as(cokeAdmin).count(item)).toBeGreaterThanOrEqual(0);
});

test('a service that holds no administrator’s password registers what is there already', async () => {
  await using modest = await openStore(database, { adminConnection: database.url });
  await modest.register([item], { roles });
  expect(await modest.as(cokeAdmin).count(item)).toBeGreaterThanOrEqual(0);
  expect(await auditIsolation(modest)).toEqual([]);
});

test('with schemaChanges none, register changes nothing and names the tables that are missing', async () => {
  await using reading = await openStore(database, { schemaChanges: 'none', adminConnection: database.url });
  const wider = defineTable('item', { schema: item.schema.extend({ note: z.string().optional() }) });
  await reading.register([wider], { roles });
  const { rowCount } = await asAdmin(
    `select from information_schema.columns where table_name = 'item' and column_name = 'note'`,
  );
  expect(rowCount).toBe(0);
  await reading.register([item], { roles });
  expect(await reading.as(cokeAdmin).count(item)).toBeGreaterThanOrEqual(0);
  const unknown = defineTable('unknown_yet', { schema: z.object({ id: z.string() }) });
  await expect(reading.register([item, unknown])).rejects.toThrow(/has no table unknown_yet; apply the schema first/);
  await expect(openStore(database, { schemaChanges: 'verify' as never })).rejects.toThrow(/'apply' or 'none'/);
});

test('an admin login that may not change the schema is a clear error', async () => {
  await using powerless = await openStore(database, { adminConnection: database.url });
  const unknown = defineTable('unknown_yet', { schema: z.object({ id: z.string() }) });
  await expect(powerless.register([unknown])).rejects.toThrow(/adminConnection that may create roles and tables/);
});
