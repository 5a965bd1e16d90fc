import { internalsOf } from '@intendant/core/internal';
import { isOnCitus, nodeUrls, withClient } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { on } from './index.ts';
import { sweepChunk } from './sweep/sweep.ts';
import { type Fixture, openFixture, pepsi, vm } from './testing/fixture.ts';

const LIMIT = { timeoutMs: 20_000 };
const POLL = { timeout: 20_000 };
const AT_E1 = { enforcementPoints: ['E1'] };

/** A transaction that writes in several places is not visible everywhere at one moment. These tests make such moments last. */
describe.skipIf(!isOnCitus())('commits in several places on Citus (skipped unless CITUS_URL is set)', () => {
  let fixture: Fixture;
  let nodeUrl: string;
  let shard: string;
  const kept: string[] = [];

  beforeAll(async () => {
    fixture = await openFixture({ maintenance: false });
    const { rows } = await asAdmin(`
      select nodeport::text as port, shard_name('vm'::regclass, shardid) as shard from pg_dist_placement p
      join pg_dist_node n using (groupid)
      where shardid = get_shard_id_for_distribution_column('vm', 'Pepsi')`);
    const url = new URL(fixture.adminUrl);
    url.port = rows[0].port;
    nodeUrl = url.href;
    shard = rows[0].shard;
  });
  afterEach(async () => {
    for (const gid of kept.splice(0)) await onNode(`rollback prepared '${gid}'`);
    await fixture.empty();
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  const asAdmin = (sql: string) => withClient(fixture.adminUrl, (client) => client.query(sql));
  const onNode = (sql: string) => withClient(nodeUrl, (client) => client.query(sql));

  /** Changes the shard without the trigger of revisions. Former values replace those of the row; without them it is deleted. */
  const takenBack = (id: string, former?: object) =>
    onNode(
      `set session_replication_role = replica; ${former ? replaced(id, former) : `delete from ${shard} where id = '${id}'`}`,
    );
  const replaced = (id: string, values: object): string =>
    `update ${shard} set ${Object.entries(values)
      .map(([name, value]) => `${name} = '${value}'`)
      .join(', ')} where id = '${id}'`;

  /** Leaves the newest change of a record prepared on its node, for a group of nodes that Citus does not recover. Returns how to commit it. */
  async function prepared(id: string, former?: object): Promise<() => Promise<unknown>> {
    const { rows } = await onNode(`select * from ${shard} where id = '${id}'`);
    const { name, revision } = rows[0];
    const again = former
      ? replaced(id, { name, revision })
      : `insert into ${shard} select r.* from json_populate_record(null::${shard}, '${JSON.stringify(rows[0])}') r`;
    await takenBack(id, former);
    const gid = `citus_9999_${shard}_${id}`;
    await onNode(`set session_replication_role = replica; begin; ${again}; prepare transaction '${gid}'`);
    kept.push(gid);
    return () => onNode(`commit prepared '${kept.pop()}'`);
  }

  const startWorker = async (done: string[]) => {
    const realize = async ({ record }: { record: { id: string; name: string } }) =>
      void done.push(`${record.id} ${record.name}`);
    const unrealize = async () => void done.push('unrealize');
    const handlers = [on(vm, { realize, unrealize })];
    const worker = fixture.realization.worker({ enforcementPoint: 'E1', handlers });
    await worker.start();
    return worker;
  };
  /** Runs a worker until the resource has this status. Returns what its handlers did. */
  const workUntil = async (id: string, status: 'REALIZED' | 'DELETION_REALIZED'): Promise<string[]> => {
    const done: string[] = [];
    const worker = await startWorker(done);
    await fixture.realization.as(pepsi).waitFor(vm, id, { status, ...LIMIT });
    await worker.stop();
    return done;
  };
  const sweep = async () => {
    await asAdmin(
      `insert into intendant.job_sweep (table_name, next_at) values ('public.vm', now()) on conflict (table_name) do update set next_at = now()`,
    );
    const store = internalsOf(fixture.store);
    const tables = {
      resource: store.table('vm'),
      overall: store.table('overall_status_vm'),
      enforcement: store.table('enforcement_status_vm'),
    };
    await sweepChunk(store, tables, 60_000);
  };

  test('a worker waits for a new record that its node has not committed, and others of the tenant go on', async () => {
    const r = fixture.realization.as(pepsi);
    await r.persistIntent(vm, { id: 'VM1', name: 'new' }, AT_E1);
    const commit = await prepared('VM1');
    const done: string[] = [];
    const worker = await startWorker(done);
    await r.persistIntent(vm, { id: 'VM2', name: 'other' }, AT_E1);
    await r.waitFor(vm, 'VM2', { status: 'REALIZED', ...LIMIT });
    expect(await r.getOverallStatus(vm, 'VM1')).toBe('PENDING');
    await commit();
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
    await worker.stop();
    expect(done).toEqual(['VM2 other', 'VM1 new']);
  });

  test('nobody acts on an earlier revision while its node has not committed the newer one', async () => {
    const r = fixture.realization.as(pepsi);
    const { record: first } = await r.persistIntent(vm, { id: 'VM1', name: 'old' }, AT_E1);
    await r.persistIntent(vm, { id: 'VM1', name: 'new' });
    const commit = await prepared('VM1', { name: 'old', revision: 1 });
    const retryable = { code: 'CONNECTION', retryable: true };
    await expect(r.markSuccess(vm, first, 'E1')).rejects.toMatchObject(retryable);
    await expect(r.persistIntents(vm, [{ id: 'VM1', name: 'newest' }])).rejects.toMatchObject(retryable);
    await commit();
    expect(await workUntil('VM1', 'REALIZED')).toEqual(['VM1 new']);
  });

  test('a record that was deleted without realization is removed by the worker', async () => {
    const r = fixture.realization.as(pepsi);
    await r.persistIntent(vm, { id: 'VM1', name: 'new' }, AT_E1);
    await takenBack('VM1');
    expect(await workUntil('VM1', 'DELETION_REALIZED')).toEqual(['unrealize']);
  });

  test('if the coordinator crashed after the node had stored a record, the repeated call completes it', async () => {
    const r = fixture.realization.as(pepsi);
    await r.persistIntent(vm, { id: 'VM1', name: 'new' }, AT_E1);
    await asAdmin(
      `delete from overall_status_vm; delete from enforcement_status_vm; delete from intendant_jobs.job_common`,
    );
    await expect(r.persistIntent(vm, { id: 'VM1', name: 'another', revision: 0 }, AT_E1)).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    });
    const { record } = await r.persistIntent(vm, { id: 'VM1', name: 'new', revision: 0 }, AT_E1);
    expect(record.revision).toBe(1);
    const worker = await startWorker([]);
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });

    await takenBack('VM1', { name: 'newer', revision: 2 });
    const [again] = await r.persistIntents(vm, [{ id: 'VM1', name: 'newer', revision: 1 }]);
    expect(again?.record.revision).toBe(2);
    await expect(r.persistIntent(vm, { id: 'VM1', name: 'newer', revision: 1 })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    });
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
    await worker.stop();
  });

  test('without a repeated call, the sweep realizes the change or the deletion of the record', async () => {
    const r = fixture.realization.as(pepsi);
    await r.persistIntents(
      vm,
      ['VM1', 'VM2'].map((id) => ({ id, name: 'new' })),
      AT_E1,
    );
    const done: string[] = [];
    const worker = await startWorker(done);
    for (const id of ['VM1', 'VM2']) await r.waitFor(vm, id, { status: 'REALIZED', ...LIMIT });
    await takenBack('VM1', { name: 'newer', revision: 2 });
    await takenBack('VM2');
    await sweep();
    await r.waitFor(vm, 'VM2', { status: 'DELETION_REALIZED', ...LIMIT });
    await expect.poll(() => done, POLL).toContain('VM1 newer');
    await worker.stop();
  });

  test('while connections to the nodes are ended again and again, nothing that was accepted is lost', async () => {
    const orgs = ['Pepsi', 'Coke', 'Fanta', 'Sprite'];
    const service = fixture.realization.as({ roles: ['service_admin'] });
    const accepted = new Map<string, number>();
    const write = async (ids: readonly string[]) => {
      const records = orgs.flatMap((orgId) => ids.map((id) => ({ orgId, id, name: 'any' })));
      try {
        const stored = await service.persistIntents(vm, records, AT_E1);
        for (const [index, { record }] of stored.entries())
          accepted.set(`${records[index]?.orgId} ${record.id}`, record.revision);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ retryable: true });
        return false;
      }
    };
    const cut = async () => {
      for (const url of await nodeUrls(fixture.adminUrl))
        await withClient(url, (client) =>
          client.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'citus_internal%'`,
          ),
        );
    };
    const done: string[] = [];
    const worker = await startWorker(done);
    for (let round = 0; round < 6; round++) {
      await Promise.all([write(['VM1', 'VM2']), write(['VM3']), cut()]);
      await write(['VM1', 'VM2', 'VM3']);
    }
    await expect.poll(() => write(['VM1', 'VM2', 'VM3']), POLL).toBe(true);
    // Transactions that a lost connection left prepared keep their locks, and delay new slots in every database.
    await asAdmin('select recover_prepared_transactions()');
    const open = `select count(*)::int as open from overall_status_vm where realization_status <> 200`;
    await expect.poll(async () => (await asAdmin(open)).rows[0].open, POLL).toBe(0);
    await worker.stop();
    const { rows } = await asAdmin('select org_id, id, revision from vm');
    for (const { org_id, id, revision } of rows)
      expect(Number(revision)).toBeGreaterThanOrEqual(accepted.get(`${org_id} ${id}`) ?? 0);
    expect(rows).toHaveLength(12);
    expect(done).not.toContain('unrealize');
  });
});
