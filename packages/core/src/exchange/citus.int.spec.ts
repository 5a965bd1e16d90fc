import { isOnCitus, nodeUrls, type TestDatabase, testDatabase, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { internalsOf } from '../data-store-internals.ts';
import { auditIsolation, createDataStore, type DataStore, defineTable } from '../index.ts';
import { requireCitus } from '../option/required-versions.ts';
import {
  adminOf,
  application,
  appUsers,
  cokeAdmin,
  onTestServer,
  openStore,
  pepsiAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

const roles = { ...TENANT_ROLES };
const team = defineTable('team', { schema: z.object({ id: z.string() }) });

test('a Citus that is too old is refused', () => {
  expect(() => requireCitus('12.1-1')).toThrow('Intendant needs Citus 13 or newer, and the database has Citus 12.1-1');
  requireCitus('13.2-1');
});

describe.skipIf(!isOnCitus())('on Citus (skipped unless CITUS_URL is set)', () => {
  let database: TestDatabase;
  let store: DataStore;
  let asAdmin: ReturnType<typeof adminOf>;

  beforeAll(async () => {
    database = await testDatabase();
    asAdmin = adminOf(database);
    store = await openStore(database);
    await store.register([application, appUsers, team], { roles });
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  test("tenants' tables are distributed by org and colocated, shared ones are copied to each node", async () => {
    const { rows } = await asAdmin(
      `select table_name::text as name, citus_table_type as type, distribution_column as column, colocation_id as group
       from citus_tables order by 1`,
    );
    const group = rows.find(({ name }) => name === 'team').group;
    expect(rows).toEqual([
      { name: 'app_users', type: 'reference', column: '<none>', group: expect.anything() },
      { name: 'application', type: 'distributed', column: 'org_id', group },
      { name: 'team', type: 'distributed', column: 'org_id', group },
    ]);
  });

  test('every statement of a tenant asks one shard', async () => {
    const { executor } = internalsOf(store);
    const coke = store.as(cokeAdmin);
    const texts: string[] = [];
    const run = executor.run.bind(executor);
    executor.run = (async (scope: never, statements: never, options: never) => {
      texts.push(...Object.values(statements as Record<string, { text: string }>).map(({ text }) => text));
      return run(scope, statements, options);
    }) as typeof executor.run;
    try {
      const record = await coke.insert(application, { id: 'one', name: 'x' });
      await coke.find(application, 'one');
      await coke.findMany(application, { where: { name: 'x' } });
      await coke.count(application);
      await coke.update(application, record);
      await coke.updateMany(application, { id: 'one' }, { name: 'y' });
      await coke.upsert(application, { id: 'one', name: 'z', revision: 3 });
      await coke.softDelete(application, 'one');
      await coke.deleteMany(application, { where: { name: 'z' } });
    } finally {
      executor.run = run;
    }
    expect(texts).toHaveLength(9);
    for (const text of texts) expect(text).toMatch(/"?org_id"? = \$|insert into .*"org_id"/s);
  });

  test('the audit finds what was changed on a node itself, with SQL that repairs it there', async () => {
    const urls = await nodeUrls(database.adminUrl);
    const shardOf = `select c.relname as shard from pg_class c where c.relname ~ '^application_[0-9]+$' limit 1`;
    const onNode = (sql: string) => withClient(urls[1] as string, (client) => client.query(sql));
    const allowed = `set citus.override_table_visibility = off; set citus.enable_manual_changes_to_shards = on;`;
    const results = (await onNode(`${allowed} ${shardOf}`)) as unknown as { rows: { shard: string }[] }[];
    const shard = results.at(-1)?.rows[0]?.shard as string;
    await onNode(`${allowed} alter policy intendant_tenant_reader on ${shard} using (true)`);
    const findings = await auditIsolation(store);
    expect(findings).toEqual([
      expect.objectContaining({ rule: 'policy', subject: expect.stringMatching(`${shard} on `) }),
    ]);
    for (const { sql } of findings) await onNode(sql);
    expect(await auditIsolation(store)).toEqual([]);
  });

  test('a restrictive policy of others is dropped, since the shards would take it as a permissive one', async () => {
    await asAdmin('create policy narrow on application as restrictive using (true)');
    expect((await auditIsolation(store)).map(({ rule }) => rule)).toEqual(['policy']);
    await store.register([application], { roles });
    expect(await auditIsolation(store)).toEqual([]);
  });

  test('scopes that are set inside a savepoint still hold on nodes that are asked after it', async () => {
    const orgs = Array.from({ length: 8 }, (_, index) => `org${index}`);
    await Promise.all(orgs.map((orgId) => store.as({ ...cokeAdmin, orgId }).upsert(team, { id: orgId })));
    for (const orgId of orgs) {
      const seen = await store.as({ ...cokeAdmin, orgId }).transaction(async (tx) => {
        await tx.transaction((inner) => inner.count(appUsers), { savepoint: true });
        return tx.findMany(team);
      });
      expect(seen.map(({ id }) => id)).toEqual([orgId]);
    }
  });

  test('rows of a table that was not distributed move to the nodes', async () => {
    const late = defineTable('late', { schema: z.object({ id: z.string() }) });
    const plain = await openStore(database, { distribution: undefined });
    await plain.register([late], { roles });
    await plain.as(cokeAdmin).insert(late, { id: 'cokes' });
    await plain.as(pepsiAdmin).insert(late, { id: 'pepsis' });
    await plain.close();
    await store.register([late], { roles });
    expect((await store.as(cokeAdmin).findMany(late)).map(({ id }) => id)).toEqual(['cokes']);
    expect(await auditIsolation(store)).toEqual([]);
  });

  test.each([
    [
      'by another column',
      `select create_distributed_table('other', 'id')`,
      /must be distributed by org_id, and is distributed by id: run select undistribute_table/,
    ],
    [
      'as a reference table',
      `select create_reference_table('other')`,
      /must be distributed by org_id, and is a reference table/,
    ],
    [
      'in another group',
      `select create_distributed_table('other', 'org_id', colocate_with => 'none')`,
      /must be colocated with table application/,
    ],
  ])('a table that is distributed %s is refused', async (_how, distribute, message) => {
    await asAdmin(
      'create table other (org_id text, id text, revision bigint, created_at timestamp(3) with time zone, updated_at timestamp(3) with time zone, deleted_at timestamp(3) with time zone)',
    );
    await asAdmin(distribute);
    const other = defineTable('other', { schema: z.object({ id: z.string() }) });
    await expect(store.planSchema([other])).rejects.toThrow(message);
    await asAdmin('drop table other');
  });

  test('a store without distribution refuses a distributed table', async () => {
    await using plain = await openStore(database, { distribution: undefined });
    await expect(plain.register([application], { roles })).rejects.toThrow(
      /application is distributed by Citus, and this store has no distribution: give createDataStore distribution: citus\(\)/,
    );
    await using reading = await openStore(database, { distribution: undefined, schemaChanges: 'none' });
    await expect(reading.register([application], { roles })).rejects.toThrow(/application is distributed by Citus/);
  });

  test('tables that Citus cannot keep are refused', async () => {
    const emptied = defineTable('emptied', {
      schema: z.object({ id: z.string(), team: z.string().optional() }),
      references: [{ fields: ['team'], table: team, onDelete: 'setNull' }],
    });
    await expect(store.register([emptied], { roles })).rejects.toThrow(/onDelete 'setNull', which Citus does not do/);
    await using open = await createDataStore({
      ...onTestServer,
      connection: database.url,
      adminConnection: database.adminUrl,
    });
    const instanced = defineTable('placed', { schema: z.object({ id: z.string() }), instanced: true });
    await expect(open.register([instanced])).rejects.toThrow(
      /placed is instanced, and a store with distribution needs an instancer/,
    );
  });

  test('a database without Citus, a coordinator without nodes and a worker are refused', async () => {
    const worker = (await nodeUrls(database.adminUrl))[1] as string;
    await expect(openStore({ ...database, url: worker })).rejects.toThrow(/leads to a worker node of Citus/);
    const url = new URL(database.adminUrl);
    await withClient(url.href, (client) => client.query(`create database ${database.name}_empty`));
    url.pathname = `/${database.name}_empty`;
    const opened = () => openStore({ ...database, url: url.href, adminUrl: url.href });
    await expect(opened()).rejects.toThrow(/has no Citus: run create extension citus/);
    await withClient(url.href, (client) => client.query('create extension citus'));
    await expect(opened()).rejects.toThrow(/the coordinator of Citus has no nodes/);
    await asAdmin(`drop database ${database.name}_empty with (force)`);
  });
});
