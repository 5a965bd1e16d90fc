import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auditIsolation, type DataStore, defineTable } from '../index.ts';
import type { AnyTable } from '../table/record-types.ts';
import { adminOf, cokeAdmin, openStore, openTestStore, pepsiAdmin, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
const roles = { ...TENANT_ROLES };
const asAdmin = adminOf(database);

afterAll(() => fixture[Symbol.asyncDispose]());

const refusal = (table: AnyTable, of: DataStore = store): Promise<string> =>
  of.register([table], { roles }).then(
    () => 'register accepted it',
    (error: Error) => error.message,
  );

describe('a table that is partitioned, or has children, is empty only if all of them are', () => {
  const wide = (name: string) => defineTable(name, { schema: z.object({ id: z.string(), load: z.number() }) });
  const narrow = (name: string) => defineTable(name, { schema: z.object({ id: z.string(), load: z.int32() }) });
  const columns = `org_id text not null, id text not null, load double precision not null, revision bigint not null default 1,
    created_at timestamp(3) with time zone not null default now(), updated_at timestamp(3) with time zone not null default now(),
    deleted_at timestamp(3) with time zone`;

  test.skipIf(cannotHoldOnCitus('Citus does not distribute partitions of partitions'))(
    'rows in a partition of a partition keep their exact values',
    async () => {
      await asAdmin(`create table parted (${columns}, constraint parted_pkey primary key (org_id, id)) partition by list (org_id);
      create table parted_c partition of parted for values in ('Coke') partition by hash (id);
      create table parted_c0 partition of parted_c for values with (modulus 1, remainder 0)`);
      await store.register([wide('parted')], { roles });
      await coke.insert(wide('parted'), { id: 'A', load: 1.5 });
      expect(await refusal(narrow('parted'))).toMatch(/load is double precision.* alter column "load" type integer/);
      expect(await coke.find(wide('parted'), 'A')).toMatchObject({ load: 1.5 });
    },
  );

  test('and one without a row anywhere changes', async () => {
    await asAdmin(`create table vacant (${columns}, constraint vacant_pkey primary key (org_id, id)) partition by list (org_id);
      create table vacant_c partition of vacant for values in ('Coke')`);
    await store.register([narrow('vacant')], { roles });
    expect(await coke.insert(narrow('vacant'), { id: 'A', load: 1 })).toMatchObject({ load: 1 });
  });
});

describe('a key of a table with rows', () => {
  const shape = { id: z.string(), name: z.string() };
  const keyed = (key: readonly ('id' | 'name')[]) => defineTable('keyed', { schema: z.object(shape), key });

  test.each([
    [['id'], ['id', 'name']],
    [['id', 'name'], ['id']],
    [['id'], ['name']],
  ] as const)('stays (%s), not (%s), and the refusal tells what would change it', async (before, after) => {
    await asAdmin('drop table if exists keyed');
    await store.register([keyed(before)], { roles });
    await coke.insert(keyed(before), { id: 'A', name: 'a' });
    expect(await refusal(keyed(after))).toMatch(
      /primary key is .*done by alter table "public"."keyed" drop constraint/,
    );
  });
});

describe('soft-deleted rows of a table that gives up soft deletion', () => {
  const softly = defineTable('softly', { schema: z.object({ id: z.string() }) });
  const hard = defineTable('softly', { schema: z.object({ id: z.string() }), softDelete: false });

  test('would become visible, which is refused until they are deleted', async () => {
    await store.register([softly], { roles });
    await coke.insert(softly, { id: 'A' });
    await coke.softDelete(softly, 'A');
    expect(await refusal(hard)).toContain('delete from "public"."softly" where deleted_at is not null');
    await using modest = await openStore(database, { adminConnection: database.url });
    expect(await refusal(hard, modest)).toContain('soft-deleted rows');
    await asAdmin('delete from softly');
    await store.register([hard], { roles });
    expect(await coke.findMany(hard)).toEqual([]);
  });
});

describe('a renamed field', () => {
  const before = defineTable('named', {
    schema: z.object({ id: z.string(), name: z.string(), kind: z.enum(['a', 'b']), size: z.int32() }),
    indexes: [['name', 'kind']],
  });
  const after = defineTable('named', {
    schema: z.object({ id: z.string(), title: z.string(), sort: z.enum(['a', 'b']), size: z.int() }),
    renamedFrom: { title: 'name', sort: 'kind' },
    indexes: [['title', 'sort']],
  });

  test('keeps its values when the rename is declared, and the plan says so', async () => {
    await store.register([before], { roles });
    await coke.insert(before, { id: 'A', name: 'first', kind: 'a', size: 1 });
    const plan = (await store.planSchema([after])).join('\n');
    expect(plan).toContain('-- renames column name to title; the rows keep their values\nalter table');
    expect(plan).toContain('-- column size becomes bigint; every value stays as it is');
    await store.register([after], { roles });
    expect(await coke.find(after, 'A')).toMatchObject({ title: 'first', sort: 'a', revision: 1 });
    expect(await store.planSchema([after])).toEqual([]);
    expect(await auditIsolation(store)).toEqual([]);
  });

  test('is refused, in a process that still runs the old definition too, when it is not', async () => {
    const undeclared = defineTable('named', {
      schema: z.object({ id: z.string(), label: z.string().default(''), sort: z.enum(['a', 'b']), size: z.int() }),
    });
    const message = await refusal(undeclared);
    expect(message).toMatch(/renamedFrom: \{ label: 'title' \}.*rename column "title" to "label"/);
    const optional = defineTable('named', {
      schema: z.object({ id: z.string(), title: z.string(), size: z.int(), sortOf: z.string().optional() }),
    });
    expect(await refusal(optional)).toContain("renamedFrom: { sortOf: 'sort' }");
    expect(await refusal(before)).toContain("renamedFrom: { name: 'title' }");
  });

  test('is another column if the definition says so', async () => {
    await asAdmin('alter table named alter column sort drop not null');
    const another = defineTable('named', {
      schema: z.object({ id: z.string(), title: z.string(), size: z.int(), remark: z.string().optional() }),
      renamedFrom: { remark: null },
    });
    await store.register([another], { roles });
    const [first] = await coke.findMany(another);
    expect(first).toMatchObject({ title: 'first' });
  });

  test('is refused if both names are in the database, with the SQL that merges them', async () => {
    const back = defineTable('named', {
      schema: z.object({ id: z.string(), title: z.string(), size: z.int(), remark: z.string().optional() }),
      renamedFrom: { remark: 'sort' },
    });
    expect(await refusal(back)).toContain('update "public"."named" set "remark" = "sort"');
  });
});

describe('a new column whose default is a function', () => {
  const plain = defineTable('moving', { schema: z.object({ id: z.string() }) });
  let count = 0;
  const numbered = defineTable('moving', { schema: z.object({ id: z.string(), n: z.int().default(() => ++count) }) });
  const constant = defineTable('moving', { schema: z.object({ id: z.string(), n: z.int().default(() => 7) }) });

  test('would give all old rows one value, which is refused; one that always gives the same is a value', async () => {
    await store.register([plain], { roles });
    await coke.insert(plain, { id: 'A' });
    expect(await refusal(numbered)).toContain('its default is a function');
    await store.register([constant], { roles });
    expect(await coke.find(constant, 'A')).toMatchObject({ n: 7 });
  });

  test('works in a table that is new, where each record gets its own', async () => {
    const fresh = defineTable('moving_fresh', { schema: numbered.schema });
    await store.register([fresh], { roles });
    const [one, two] = await coke.insertMany(fresh, [{ id: 'A' }, { id: 'B' }]);
    expect(two?.n).not.toBe(one?.n);
    const { rows } = await asAdmin(
      `select column_default from information_schema.columns where table_name = 'moving_fresh' and column_name = 'n'`,
    );
    expect(rows).toEqual([{ column_default: null }]);
  });
});

test('an empty org from before the check is named; register succeeds once it is removed', async () => {
  const checked = defineTable('checked', { schema: z.object({ id: z.string() }) });
  await store.register([checked], { roles });
  await asAdmin(
    `alter table checked drop constraint checked_org_id_check; insert into checked (org_id, id) values ('', 'A')`,
  );
  expect(await refusal(checked)).toMatch(
    /rows of table checked break the rule checked_org_id_check \(no org_id may be empty\)/,
  );
  await asAdmin('delete from checked');
  await store.register([checked], { roles });
  await expect(asAdmin(`insert into checked (org_id, id) values ('', 'A')`)).rejects.toThrow('checked_org_id_check');
});

test('a backfill as the guide shows it changes no revision, and nothing that other tenants see', async () => {
  const filled = defineTable('filled', { schema: z.object({ id: z.string(), note: z.string().optional() }) });
  await store.register([filled], { roles });
  await coke.insert(filled, { id: 'A' });
  await store.as(pepsiAdmin).insert(filled, { id: 'B' });
  await asAdmin(`begin;
    alter table filled no force row level security;
    alter table filled disable trigger intendant_revision;
    update filled set note = 'as before' where note is null;
    alter table filled enable trigger intendant_revision;
    alter table filled force row level security;
    commit`);
  expect(await coke.find(filled, 'A')).toMatchObject({ note: 'as before', revision: 1 });
  expect(await store.planSchema([filled])).toEqual([]);
});
