import { eventually, withClient } from '@intendant/devdb/testing';
import fc from 'fast-check';
import { PgBoss } from 'pg-boss';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRealization } from '../index.ts';
import { type Fixture, openFixture, pepsi, ROLES, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { encodeKeyPart, queueName } from './job-key.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const query = (text: string, values: unknown[] = []) => serviceQuery(fixture.store, text, values);

test('once registered, nothing is left to do', async () => {
  expect(await fixture.store.planSchema()).toEqual([]);
});

test('registering again, from several stores at once, works', async () => {
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      const realization = await createRealization({ store: fixture.store, subscriptions: fixture.subscriptions });
      await realization.register([vm], { roles: ROLES });
    }),
  );
  expect(await fixture.store.planSchema()).toEqual([]);
});

test('ids are encoded in SQL as they are in TypeScript', async () => {
  const plain = fc.string({ unit: 'grapheme-composite', maxLength: 20 }).filter((text) => !text.includes('\0'));
  const ids = [
    ...fc.sample(plain, 500),
    '',
    'VM1',
    'a/b',
    '.',
    'ü'.repeat(150),
    'x'.repeat(200),
    'x'.repeat(201),
    'x\n',
  ];
  const { rows } = await query(
    'select intendant.job_key_part(id) as part from unnest($1::text[]) with ordinality as t (id, place) order by place',
    [ids],
  );
  expect(rows.map(({ part }) => part)).toEqual(ids.map(encodeKeyPart));
});

test('a job of ours has the same columns as one that pg-boss sends', async () => {
  await fixture.realization.as(pepsi).persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints: ['E1'] });
  const queue = queueName('public', 'vm', 'E1');
  const boss = new PgBoss({
    db: { executeSql: (text, values) => serviceQuery(fixture.store, text, values) },
    schema: 'intendant_jobs',
    migrate: false,
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  await boss.start();
  await boss.send(queue, { identity: ['Pepsi', 'VM2'] }, { singletonKey: 'Pepsi/VM2', group: { id: 'Pepsi' } });
  await boss.stop({ graceful: false, close: false });
  const { rows } = await query('select * from intendant_jobs.job where name = $1 order by singleton_key', [queue]);
  const [ours, theirs] = rows.map(
    ({ id: _id, singleton_key: _key, data: _data, start_after, created_on, keep_until, ...rest }) => ({
      ...rest,
      retention: keep_until - start_after,
      isFresh: created_on instanceof Date,
    }),
  );
  expect(ours).toEqual(theirs);
  expect(rows.map(({ data, singleton_key }) => [data, singleton_key])).toEqual([
    [{ identity: ['Pepsi', 'VM1'] }, 'Pepsi/VM1'],
    [{ identity: ['Pepsi', 'VM2'] }, 'Pepsi/VM2'],
  ]);
});

test('an intent for a thousand new points makes their queues and jobs in one round trip, and again none', async () => {
  const points = Array.from({ length: 1000 }, (_, index) => `region ${index}`);
  const r = fixture.realization.as(pepsi);
  const { record } = await r.persistIntent(vm, { id: 'everywhere', name: 'one' }, { enforcementPoints: points });
  await r.persistIntent(vm, record, { enforcementPoints: points });
  const { rows } = await query(
    "select count(*)::int as jobs from intendant_jobs.job where singleton_key = 'Pepsi/everywhere'",
  );
  expect(rows[0].jobs).toBe(1000);
});

test('of two first intents for a point at once, each gets its job, even if the other commits in the middle', async () => {
  const lock = 'pg_advisory_xact_lock(4711)';
  await withClient(fixture.adminUrl, async (first) => {
    // Delays the second intent after its statement has taken its snapshot, until the first has committed.
    await first.query(`
      create function wait_for_first() returns trigger language plpgsql as $body$ begin perform ${lock}; return null; end $body$;
      create trigger wait_for_first before insert on intendant_jobs.job_common for each statement execute function wait_for_first()`);
    const add = (id: string) =>
      `select intendant.add_job('public/vm/NEW', '["Pepsi", "${id}"]', 'Pepsi/${id}', 'Pepsi', 0)`;
    await first.query(`begin; select ${lock}; ${add('VM1')}`);
    const second = withClient(fixture.adminUrl, (client) => client.query(add('VM2')));
    const waiting = `select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    await eventually(async () => expect((await first.query(waiting)).rowCount).toBe(1));
    await first.query('commit');
    await second;
    await first.query('drop trigger wait_for_first on intendant_jobs.job_common; drop function wait_for_first');
  });
  const { rows } = await query(`select singleton_key from intendant_jobs.job where name = 'public/vm/NEW' order by 1`);
  expect(rows.map(({ singleton_key }) => singleton_key)).toEqual(['Pepsi/VM1', 'Pepsi/VM2']);
});

test('a tenant has no right on the job tables', async () => {
  const attempt = fixture.store
    .as(pepsi)
    .transaction((tx) => tx.query('select count(*) from intendant_jobs.job'), { tables: [vm] });
  await expect(attempt).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
});
