import { auditIsolation, defineTable } from '@intendant/core';
import { isOnCitus, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { on } from './index.ts';
import { type Fixture, openFixture, vm } from './testing/fixture.ts';

const image = defineTable('image', { schema: z.object({ id: z.string() }), tenancy: 'shared' });
const ORGS = ['Pepsi', 'Coke', 'Fanta', 'Sprite', 'Sinalco', 'Almdudler'];
const as = (orgId: string) => ({ orgId, roles: ['tenant_admin'] });
const LIMIT = { timeoutMs: 20_000 };

describe.skipIf(!isOnCitus())('on Citus (skipped unless CITUS_URL is set)', () => {
  let fixture: Fixture;
  const asAdmin = (sql: string, values: unknown[] = []) =>
    withClient(fixture.adminUrl, (client) => client.query(sql, values));

  beforeAll(async () => {
    fixture = await openFixture({ tables: [vm, image], maintenance: false });
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  test('resources are on the nodes, statuses and jobs on the coordinator, and the audit finds nothing', async () => {
    const { rows } = await asAdmin(
      `select table_name::text as name, citus_table_type as type from citus_tables order by 1`,
    );
    expect(rows).toEqual([
      { name: 'image', type: 'reference' },
      { name: 'vm', type: 'distributed' },
    ]);
    expect(await auditIsolation(fixture.store)).toEqual([]);
  });

  test('a worker realizes the intents of tenants on all nodes, and each tenant sees only its own', async () => {
    const { realization, store } = fixture;
    for (const org of ORGS)
      await realization.as(as(org)).persistIntents(
        vm,
        ['VM1', 'VM2'].map((id) => ({ id, name: org })),
        { enforcementPoints: ['E1'] },
      );
    const seen = new Set<string>();
    const realize = async ({ orgId, record }: { orgId?: string | undefined; record: { id: string; name: string } }) =>
      void seen.add(`${orgId} ${record.id} ${record.name}`);
    const worker = realization.worker({ enforcementPoint: 'E1', handlers: [on(vm, { realize })] });
    await worker.start();
    for (const org of ORGS) {
      const session = realization.as(as(org));
      for (const id of ['VM1', 'VM2'])
        expect(await session.waitFor(vm, id, { status: 'REALIZED', ...LIMIT })).toBe('REALIZED');
      expect((await session.list(vm)).map(({ record }) => record?.name)).toEqual([org, org]);
      expect(await store.as(as(org)).findMany(vm)).toHaveLength(2);
    }
    await worker.stop();
    expect([...seen].sort()).toEqual(ORGS.flatMap((org) => ['VM1', 'VM2'].map((id) => `${org} ${id} ${org}`)).sort());
  });

  test('a shared table is realized too', async () => {
    const r = fixture.realization.as({ roles: ['service_admin'] });
    const { record } = await r.persistIntent(image, { id: 'I1' }, { enforcementPoints: ['E1'] });
    await r.markSuccess(image, record, 'E1');
    expect(await r.getOverallStatus(image, 'I1')).toBe('REALIZED');
    expect((await r.softDelete(image, 'I1')).record).toMatchObject({ id: 'I1', revision: 2 });
  });

  test('while a node is lost, the tenants on the others go on, and the rest follows when it is back', async () => {
    const { realization } = fixture;
    const { rows } = await asAdmin(
      `select o.org, s.nodeport::int as port from unnest($1::text[]) as o (org)
       join citus_shards s on s.table_name = 'vm'::regclass and s.shardid = get_shard_id_for_distribution_column('vm', o.org)`,
      [ORGS],
    );
    const lostPort = rows[0].port;
    const [lost, kept] = [rows[0].org, rows.find(({ port }) => port !== lostPort).org];
    for (const org of [lost, kept])
      await realization.as(as(org)).persistIntent(vm, { id: 'VM9', name: org }, { enforcementPoints: ['E2'] });
    await asAdmin('update pg_dist_node set nodeport = 1 where nodeport = $1', [lostPort]);
    const worker = realization.worker({ enforcementPoint: 'E2', handlers: [on(vm, { realize: async () => {} })] });
    try {
      await expect(realization.as(as(lost)).persistIntent(vm, { id: 'VM8', name: '' })).rejects.toMatchObject({
        code: 'CONNECTION',
        retryable: true,
        message: expect.stringContaining('a node of the database cannot be reached'),
      });
      await worker.start();
      await realization.as(as(kept)).waitFor(vm, 'VM9', { status: 'REALIZED', ...LIMIT });
      expect(await realization.as(as(lost)).getOverallStatus(vm, 'VM9')).toBe('PENDING');
    } finally {
      await asAdmin('update pg_dist_node set nodeport = $1 where nodeport = 1', [lostPort]);
    }
    await realization.as(as(lost)).waitFor(vm, 'VM9', { status: 'REALIZED', ...LIMIT });
    await worker.stop();
  });
});
