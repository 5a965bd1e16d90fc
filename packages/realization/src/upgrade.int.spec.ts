import { createDataStore, type DataStore, defineTable, SimpleInstancer } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { cannotHoldOnCitus, eventually, type TestDatabase } from '@intendant/devdb/testing';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import pg from 'pg';
import { afterAll, test as anyTest, beforeAll, expect } from 'vitest';
import { z } from 'zod';
import { createRealization, on, type Realization } from './index.ts';
import { EARLIER_FUNCTIONS } from './testing/earlier-functions.ts';
import { pepsi, ROLES, vm } from './testing/fixture.ts';
import { oldDatabase } from './testing/old-database.ts';
import { serviceQuery } from './testing/service-query.ts';

/*
 * A database that was made with the code of git 918aa9d: tables of each kind, statuses, a durable subscription that has
 * got as far as position 9, a rollout that has just begun, and submitted operations that nobody has carried out.
 */

const schema = z.object({ id: z.string(), name: z.string() });
const image = defineTable('image', { schema, tenancy: 'shared' });
const gateway = defineTable('gateway', { schema, instanced: true });
const TABLES = [vm, image, gateway];
const service = { roles: ['service_admin'] };
const LIMIT = { timeoutMs: 20_000 };

const test = anyTest.skipIf(cannotHoldOnCitus('the old database is of one server'));

let database: TestDatabase;
let store: DataStore;
let subscriptions: Subscriptions;
let realization: Realization;

/** In order: what is done later builds on the first registration. */
beforeAll(async () => {
  database = await oldDatabase();
  await withStatusIndexes(database);
  store = await createDataStore({
    connection: database.url,
    adminConnection: database.adminUrl,
    instancer: new SimpleInstancer(),
  });
  subscriptions = await createSubscriptions({ store });
  realization = await createRealization({ store, subscriptions });
  await realization.register(TABLES as never, { roles: ROLES });
});
afterAll(async () => {
  await realization?.close();
  await subscriptions?.close();
  await store?.close();
  await database?.drop();
});

/** As a later version than the dump's created them. */
async function withStatusIndexes({ adminUrl }: TestDatabase): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  try {
    await admin.query(`create index status_overall_status_vm_idx on overall_status_vm (org_id, realization_status, id);
      create index status_enforcement_status_vm_idx on enforcement_status_vm (org_id, enforcement_point_id, realization_status, id)`);
  } finally {
    await admin.end();
  }
}

test('resources, statuses, history and counts of an old database are there', async () => {
  const r = realization.as(pepsi);
  const listed = await r.list(vm, { orderBy: 'oldest' });
  expect(Object.fromEntries(listed.map(({ key, overall }) => [key['id'], overall.status]))).toEqual({
    realized: 'REALIZED',
    failed: 'ERROR',
    selected: 'PENDING',
    waiting: 'PENDING',
    leaving: 'DELETION_PENDING',
  });
  expect((await r.history(vm, 'failed')).map(({ status, message }) => [status, message])).toEqual([
    ['ERROR', 'ERROR no power at revision 1'],
    ['PENDING', ''],
  ]);
  const bases = await realization.as(service).history(image, 'base');
  expect(bases.map(({ status }) => status)).toEqual(['REALIZED', 'PENDING']);
  expect(await realization.summary(TABLES)).toMatchObject([
    { table: 'vm', overall: { REALIZED: 1, ERROR: 1, PENDING: 2, DELETION_PENDING: 1 } },
    { table: 'image', overall: { REALIZED: 1 } },
    { table: 'gateway', overall: { PENDING: 1 } },
  ]);
});

test('queues and jobs of an old database have the settings of new ones', async () => {
  const { rows } = await serviceQuery(
    store,
    `select distinct retry_limit, expire_seconds from intendant_jobs.queue
     union select retry_limit, expire_seconds from intendant_jobs.job_common`,
  );
  expect(rows).toEqual([{ retry_limit: 19, expire_seconds: 315_360_000 }]);
});

test('no row belongs to an empty org or instance any more', async () => {
  for (const table of ['status_history', 'status_count', 'status_change']) {
    const { rows } = await serviceQuery(
      store,
      `select count(*) filter (where org_id is null)::int as nobodys, count(*) filter (where '' in (org_id, instance_id))::int as empty from intendant.${table}`,
    );
    expect({ table, ...rows[0] }).toEqual({ table, nobodys: expect.any(Number), empty: 0 });
  }
  const { rows } = await internalsOf(store).withAdmin((client) =>
    client.query(
      "select distinct org_id, to_regclass('public.submitted_operation') as old from intendant.submitted_operation order by 1",
    ),
  );
  expect(rows).toEqual([
    { org_id: 'Pepsi', old: null },
    { org_id: 'intendant:none', old: null },
  ]);
});

test('a second registration finds nothing to change', async () => {
  expect(await store.planSchema()).toEqual([]);
});

test('a mark adds no entry to an index', async () => {
  const updated = await store.as(pepsi).transaction(
    async (tx) => {
      await realization.in(tx).markInProgress(vm, { id: 'waiting', revision: 1 }, 'E1');
      const { rows } = await tx.query(
        `select pg_stat_get_xact_tuples_updated(t)::int as updates, pg_stat_get_xact_tuples_hot_updated(t)::int as "withoutIndex"
       from unnest(array['overall_status_vm', 'enforcement_status_vm']::regclass[]) t`,
      );
      return rows;
    },
    { tables: [vm] },
  );
  expect(updated).toEqual([
    { updates: 1, withoutIndex: 1 },
    { updates: 1, withoutIndex: 1 },
  ]);
});

test('functions keep the parameters and results of git 7c31713, so that its processes can call and replace them', async () => {
  const { rows } = await internalsOf(store).withAdmin((client) =>
    client.query<{ signature: string; type: string }>(
      `select oid::regprocedure::text as signature,
         format('(%s) %s', pg_get_function_arguments(oid), pg_get_function_result(oid)) as type
       from pg_proc where oid::regprocedure::text = any($1)`,
      [Object.keys(EARLIER_FUNCTIONS)],
    ),
  );
  expect(Object.fromEntries(rows.map(({ signature, type }) => [signature, type]))).toEqual(EARLIER_FUNCTIONS);
});

test('register leaves the objects of a newer version as they are', async () => {
  const ofAdmin = (sql: string) => internalsOf(store).withAdmin((client) => client.query(sql));
  const { rows } = await ofAdmin("select obj_description('intendant'::regnamespace, 'pg_namespace') as versions");
  const { versions } = rows[0] as { versions: string };
  expect(versions).toMatch(/^(\w+@\d+\.\d+\.\d+ ?){2,}$/);
  const signature = 'intendant.has_job(text, text, text, jsonb)';
  await ofAdmin(`comment on function ${signature} is 'of a newer version'`);
  expect(await store.planSchema()).toContainEqual(expect.stringContaining(`comment on function ${signature}`));
  await ofAdmin("comment on schema intendant is 'realization@999.0.0'");
  expect(await store.planSchema()).toEqual([]);
  await realization.register(TABLES as never, { roles: ROLES });
  const found = await ofAdmin(`select obj_description('${signature}'::regprocedure, 'pg_proc') as comment`);
  expect(found.rows).toEqual([{ comment: 'of a newer version' }]);
  await ofAdmin("comment on schema intendant is 'kept by ops@example.com, see the wiki'");
  await realization.register(TABLES as never, { roles: ROLES });
  const after = await ofAdmin("select obj_description('intendant'::regnamespace, 'pg_namespace') as comment");
  expect(after.rows[0].comment).toMatch(/^kept by ops@example\.com, see the wiki realization@\d+\.\d+\.\d+$/);
  await ofAdmin(`comment on schema intendant is '${versions}'`);
  await realization.register(TABLES as never, { roles: ROLES });
  expect(await store.planSchema()).toEqual([]);
});

test('a durable subscription goes on behind the last position it acknowledged', async () => {
  expect(await subscriptions.list()).toMatchObject([{ name: 'kept', position: expect.stringMatching(/-0*9$/) }]);
  const keys: unknown[] = [];
  const subscription = await subscriptions.subscribe('vm', ({ key }) => void keys.push(key['id']), { name: 'kept' });
  await eventually(() => expect(keys.toSorted()).toEqual(['leaving', 'leaving', 'selected', 'waiting']), LIMIT);
  await subscription.close();
});

test('workers take the jobs that were waiting, and maintenance the operations that were submitted', async () => {
  const calls: string[] = [];
  const handlers = TABLES.map((table) =>
    on(table, {
      realize: async ({ record }) => void calls.push(`realize ${record.id}`),
      unrealize: async ({ key }) => void calls.push(`unrealize ${key['id']}`),
    }),
  );
  const worker = realization.worker({ enforcementPoint: 'E1', handlers });
  await worker.start();
  realization.maintenance.start();
  const r = realization.as(pepsi);
  for (const id of ['failed', 'selected', 'waiting', 'submitted'])
    await eventually(async () => expect(await r.getOverallStatus(vm, id)).toBe('REALIZED'), LIMIT);
  await r.waitFor(vm, 'leaving', { status: 'DELETION_REALIZED', ...LIMIT });
  const ofService = realization.as(service);
  await eventually(async () => expect(await ofService.getOverallStatus(image, 'submitted')).toBe('REALIZED'), LIMIT);
  const { record } = await r.persistIntent(vm, { id: 'waiting', name: 'new', revision: 1 }, {});
  await r.waitFor(vm, 'waiting', { status: 'REALIZED', ...LIMIT });
  expect(record.revision).toBe(2);
  await eventually(() => expect(calls).toContain('realize door'), LIMIT);
  expect(calls).toContain('unrealize leaving');
  const { rows } = await internalsOf(store).withAdmin((client) =>
    client.query('select outcome from intendant.submitted_operation where not is_finished'),
  );
  expect(rows).toEqual([]);
});
