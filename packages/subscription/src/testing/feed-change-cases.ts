import { cannotHoldOnCitus, eventually } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import type { FeedUnderTest } from './feed-under-test.ts';
import { brief, coke, note, pepsi, vm } from './fixture.ts';

const cokeInEurope = { ...coke, instanceId: 'Europe' };

/** Which changes arrive, in which order, and who sees them. */
export function changeCases({ store, admin, collect }: FeedUnderTest): void {
  test('each kind of change arrives once, in order, with its operation', async () => {
    const { seen, subscription } = await collect('vm');
    const session = store.as(coke);
    const record = await session.insert(vm, { id: 'a', name: 'x' });
    await session.update(vm, { ...record, name: 'y' });
    await session.softDelete(vm, 'a');
    await session.upsert(vm, { id: 'a', name: 'z', revision: 3 });
    await session.delete(vm, 'a');
    await eventually(() =>
      expect(seen.map(brief)).toEqual(['insert a', 'update a', 'soft delete a', 'soft insert a', 'delete a']),
    );
    expect(seen.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 4]);
    expect(seen[0]).toMatchObject({ table: 'vm', orgId: 'Coke', instanceId: 'Americas' });
    expect(seen.map(({ position }) => position).toSorted()).toEqual(seen.map(({ position }) => position));
    await subscription.close();
  });

  test('the deletion of a row that was soft-deleted before is marked as a purge', async () => {
    const { seen, subscription } = await collect('vm', { operations: ['delete'] });
    const session = store.as(coke);
    for (const id of ['purged', 'deleted']) await session.insert(vm, { id, name: 'x' });
    await session.softDelete(vm, 'purged');
    for (const id of ['purged', 'deleted']) await session.delete(vm, id);
    await eventually(() => expect(seen.map(brief)).toEqual(['soft delete purged', 'delete purged', 'delete deleted']));
    expect(seen.map(({ isPurge }) => isPurge)).toEqual([false, true, false]);
    await subscription.close();
  });

  test.skipIf(cannotHoldOnCitus('Citus refuses MERGE into a table whose columns have defaults that are not constant'))(
    'COPY and MERGE are logged correctly',
    async () => {
      const { seen, subscription } = await collect('vm');
      await admin.query(
        `create table copied (like vm); insert into copied select 'Coke', 'Americas', 'c' || n, 'x', 1, now(), now() from generate_series(1, 2) n`,
      );
      // Specs that run at the same time share the server's folder, so the file's name contains the database's.
      await admin.query(`do $$ declare file text := current_setting('data_directory') || '/copied_' || current_database(); begin
      execute format('copy copied to %L', file);
      execute format('copy vm from %L', file);
    end $$`);
      await admin.query(`merge into vm using (values ('c1'), ('c3')) v(id) on vm.id = v.id
    when matched then delete
    when not matched then insert (org_id, instance_id, id, name) values ('Coke', 'Americas', v.id, 'merged')`);
      await eventually(() => expect(seen).toHaveLength(4));
      expect(seen.slice(0, 2).map(brief)).toEqual(['insert c1', 'insert c2']);
      expect(seen.slice(2).map(brief).toSorted()).toEqual(['delete c1', 'insert c3']);
      await admin.query('drop table copied; delete from vm');
      await subscription.close();
    },
  );

  test('raw statements of many rows, conflicts, changed keys and TRUNCATE are logged correctly', async () => {
    const { seen, subscription } = await collect('vm');
    const columns = '(org_id, instance_id, id, name)';
    await admin.query(
      `insert into vm ${columns} select 'Coke', 'Americas', 'm' || n, 'x' from generate_series(1, 3) n`,
    );
    await admin.query(`insert into vm ${columns} values ('Coke', 'Americas', 'm1', 'q'), ('Coke', 'Americas', 'm4', 'q')
    on conflict (org_id, instance_id, id) do update set name = excluded.name`);
    await admin.query(`update vm set id = 'moved' where id = 'm2'`);
    await admin.query(`update vm set name = 'nobody' where id = 'not there'`);
    await admin.query('truncate vm');
    await eventually(() => expect(seen).toHaveLength(11));
    expect(seen.slice(0, 3).map(brief)).toEqual(['insert m1', 'insert m2', 'insert m3']);
    expect(seen.slice(3, 5).map(brief).toSorted()).toEqual(['insert m4', 'update m1']);
    expect(seen.slice(5, 7).map(brief)).toEqual(['delete m2', 'insert moved']);
    expect(seen.slice(7).map(brief).toSorted()).toEqual(['delete m1', 'delete m3', 'delete m4', 'delete moved']);
    await subscription.close();
  });

  test('changes that were rolled back, completely or to a savepoint, never arrive', async () => {
    const { seen, subscription } = await collect('note');
    const insert = (id: string) => admin.query(`insert into note (org_id, id, size) values ('Coke', $1, 1)`, [id]);
    await admin.query('begin');
    await insert('undone');
    await admin.query('rollback');
    await admin.query('begin');
    await insert('kept');
    await admin.query('savepoint s');
    await insert('undone too');
    await admin.query('rollback to s');
    await admin.query('commit');
    await insert('last');
    await eventually(() => expect(seen.map(brief)).toEqual(['insert kept', 'insert last']));
    await subscription.close();
  });

  test('a transaction that commits late leaves no gap', async () => {
    const { seen, subscription } = await collect('note');
    await admin.query('begin');
    await admin.query(`insert into note (org_id, id, size) values ('Coke', 'early', 1)`);
    await store.as(coke).insert(note, { id: 'late', size: 2n });
    await admin.query('commit');
    await eventually(() => expect(seen.map(brief).toSorted()).toEqual(['insert early', 'insert late']));
    await subscription.close();
  });

  test('changes of a table in `records` carry the exact rows', async () => {
    const { seen, subscription } = await collect('note');
    await store.as(coke).insert(note, { id: 'big', size: 2n ** 63n - 1n });
    await eventually(() =>
      expect(seen[0]?.record).toMatchObject({ id: 'big', size: 2n ** 63n - 1n, orgId: 'Coke', revision: 1 }),
    );
    await subscription.close();
  });

  test('a tenant sees only changes of its own instance, deletes included', async () => {
    const { seen, subscription } = await collect('vm', { as: coke });
    for (const context of [pepsi, cokeInEurope, coke]) {
      await store.as(context).insert(vm, { id: 'mine', name: `of ${context.orgId}` });
      await store.as(context).delete(vm, 'mine');
    }
    await eventually(() => expect(seen.map(brief)).toEqual(['insert mine', 'delete mine']));
    expect(seen.every(({ orgId, instanceId }) => orgId === 'Coke' && instanceId === 'Americas')).toBe(true);
    await subscription.close();
  });

  test('a tenant that reads the log itself is shown nothing of others, and cannot write it', async () => {
    await store.as(pepsi).insert(vm, { id: 'secret', name: 'x' });
    await store.as(coke).transaction(
      async (tx) => {
        const { rows } = await tx.query(`select distinct org_id, instance_id from intendant.change_log`);
        expect(rows.filter((row) => row['org_id'] !== 'Coke')).toEqual([]);
        expect(rows.length).toBeGreaterThan(0);
      },
      { tables: [vm] },
    );
    const forge = (sql: string) => store.as(coke).transaction((tx) => tx.query(sql), { tables: [vm] });
    await expect(
      forge(`insert into intendant.change_log (table_name, operation, key) values ('public.vm', 'd', '{a}')`),
    ).rejects.toThrow();
    await expect(forge('select * from intendant.cursor')).rejects.toThrow();
    await expect(forge('select * from intendant.change_log_default')).rejects.toThrow();
  });
}
