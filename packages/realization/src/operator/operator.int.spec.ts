import { defineTable } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RealizationSession } from '../index.ts';
import { coke, type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { statusLine } from '../testing/statuses.ts';
import { Workers } from '../testing/workers.ts';

const disk = defineTable('disk', {
  schema: z.object({ where: z.string(), slot: z.int(), size: z.int() }),
  key: ['where', 'slot'],
});

let fixture: Fixture;
let workers: Workers;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture({ tables: [vm, disk] });
  workers = new Workers(fixture.realization);
  r = fixture.realization.as(pepsi);
});
afterEach(async () => {
  await workers.stop();
  await fixture.empty();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const auditor = { orgId: 'Pepsi', roles: ['tenant_auditor'] };
const service = { orgId: 'Pepsi', roles: ['service_admin'] };

const persist = async (id: string, enforcementPoints = ['E1'], name = 'one') =>
  (await r.persistIntent(vm, { id, name }, { enforcementPoints })).record;

const query = async (text: string, values: unknown[] = []) =>
  (await internalsOf(fixture.store).withAdmin((client) => client.query(text, values))).rows;

/** `VM1 ERROR, VM2 PENDING` */
const lineOf = (items: readonly { key: unknown; overall: { status: string } }[]): string =>
  items.map(({ key, overall }) => `${(key as { id: string }).id} ${overall.status}`).join(', ');

const jobs = () =>
  query(
    `select name, state, retry_count as tries, start_after <= now() as "isDue" from intendant_jobs.job_common order by name, created_on`,
  );

describe('statuses', () => {
  test('of many resources come in one map, by the key as it was given, with every point', async () => {
    const one = await persist('VM1', ['E1', 'E2']);
    await persist('VM2');
    await r.markError(vm, one, 'E2', 'no room');
    const key = { id: 'VM2' };
    const statuses = await r.statuses(vm, ['VM1', key, 'nobody']);
    expect([...statuses.keys()]).toEqual(['VM1', key]);
    expect(statuses.get(key)).toMatchObject({ overall: { status: 'PENDING', revision: 1 } });
    expect(statuses.get('VM1')).toEqual(await r.getOverallStatusWithEnforcementDetails(vm, 'VM1'));
    expect(await r.statuses(vm, [])).toEqual(new Map());
  });

  test('are one’s own; across tenants a key that several have is refused unless its org is named', async () => {
    await persist('VM1');
    expect(await fixture.realization.as(coke).statuses(vm, ['VM1'])).toEqual(new Map());
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
    const all = fixture.realization.as(service);
    await expect(all.statuses(vm, ['VM1'])).rejects.toThrow('several resources');
    const named = { id: 'VM1', orgId: 'Coke' };
    expect([...(await all.statuses(vm, [named, { id: 'VM1', orgId: 'Pepsi' }])).keys()]).toHaveLength(2);
    await expect(r.statuses(vm, [named])).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
  });
});

describe('the list', () => {
  test('returns the resources in a status, since when and why, overall and at a point', async () => {
    const before = new Date(Date.now() - 5_000);
    const one = await persist('VM1', ['E1', 'E2'], 'web');
    await persist('VM2', ['E2']);
    await r.markSuccess(vm, await persist('VM3'), 'E1');
    await r.markSuccess(vm, one, 'E1');
    await r.markError(vm, one, 'E2', 'no room');
    expect(lineOf(await r.list(vm))).toBe('VM1 ERROR, VM2 PENDING, VM3 REALIZED');
    expect(lineOf(await r.list(vm, { status: ['ERROR', 'PENDING'] }))).toBe('VM1 ERROR, VM2 PENDING');
    expect(lineOf(await r.list(vm, { enforcementPoint: 'E1' }))).toBe('VM1 ERROR, VM3 REALIZED');
    expect(lineOf(await r.list(vm, { enforcementPoint: 'E1', status: 'REALIZED', where: { name: 'web' } }))).toBe(
      'VM1 ERROR',
    );
    expect(lineOf(await r.list(vm, { olderThanMs: 60_000 }))).toBe('');
    const [failed] = await r.list(vm, { status: 'ERROR' });
    expect(failed).toMatchObject({ key: { id: 'VM1', orgId: 'Pepsi' }, record: one });
    expect(failed?.overall.additionalDetails).toContain('no room');
    expect([...(failed?.enforcement ?? [])].map(([point, { status }]) => `${point} ${status}`)).toEqual([
      'E1 REALIZED',
      'E2 ERROR',
    ]);
    expect(failed?.since.getTime()).toBeGreaterThan(before.getTime());
    expect(lineOf(await fixture.realization.as(auditor).list(vm, { status: 'ERROR' }))).toBe('VM1 ERROR');
    expect(await fixture.realization.as(coke).list(vm)).toEqual([]);
  });

  test('has pages that neither repeat nor skip, in every order', async () => {
    for (const id of ['VM3', 'VM1', 'VM5', 'VM2', 'VM4']) await persist(id, ['E1'], `name ${id === 'VM4' ? 'a' : 'b'}`);
    for (const id of ['VM1', 'VM4']) await r.markError(vm, { id, revision: 1 }, 'E1', 'no room');
    const statuses = { status: ['ERROR', 'PENDING'] } as const;
    const orders = [{}, { orderBy: { name: 'desc' } }, { orderBy: 'oldest' }, { orderBy: 'newest' }] as const;
    const ids: string[] = [];
    for (const order of orders) {
      let after: unknown;
      const seen: string[] = [];
      for (;;) {
        const page = await r.list(vm, { ...statuses, ...order, after, limit: 2 });
        seen.push(...page.map(({ record }) => record?.id ?? ''));
        if (page.length === 0) break;
        after = page.at(-1);
      }
      ids.push(seen.join(' '));
    }
    expect(ids).toEqual(['VM1 VM2 VM3 VM4 VM5', 'VM1 VM2 VM3 VM5 VM4', 'VM3 VM5 VM2 VM1 VM4', 'VM4 VM1 VM2 VM5 VM3']);
    const [first] = await r.list(vm, { limit: 1 });
    expect(lineOf(await r.list(vm, { after: first?.record, limit: 1 }))).toBe('VM2 PENDING');
    expect(lineOf(await r.list(vm, { after: 'VM4' }))).toBe('VM5 PENDING');
  });

  test('shows resources that are being removed, and the statuses of a resource without a row', async () => {
    await persist('VM1');
    await persist('VM2');
    await r.softDelete(vm, 'VM1');
    await r.delete(vm, 'VM2');
    await r.markDeletionError(vm, { id: 'VM2', revision: 1 }, 'E1', 'it is stuck');
    const listed = await r.list(vm);
    expect(lineOf(listed)).toBe('VM1 DELETION_PENDING, VM2 ERROR');
    expect(listed[0]?.record?.deletedAt).toBeInstanceOf(Date);
    expect(listed[1]?.record).toBeNull();
  });

  test('refuses what it does not know, by name', async () => {
    const refused = [{ status: 'FAILED' }, { limit: 0 }, { limit: 1001 }, { olderThanMs: -1 }];
    for (const options of [...refused, { orderBy: 'name' }, { orderBy: { nothing: 'asc' } }, { where: { no: 1 } }])
      await expect(r.list(vm, options as never)).rejects.toMatchObject({ code: 'INVALID_RECORD' });
    await expect(r.list(vm, { filter: {} } as never)).rejects.toThrow('"filter"');
    await expect(r.count(vm, { limit: 1 } as never)).rejects.toThrow('"limit"');
    await expect(r.retry(vm, { enforcementpoint: 'E1' } as never)).rejects.toThrow('"enforcementpoint"');
  });

  test('works where the key has several columns, one of them called like an option', async () => {
    for (const slot of [1, 2, 3])
      await r.persistIntent(disk, { where: 'new', slot, size: 10 - slot }, { enforcementPoints: ['E1'] });
    const page = await r.list(disk, { status: 'PENDING', limit: 2 });
    expect(page.map(({ key }) => key)).toMatchObject([{ slot: 1 }, { slot: 2 }]);
    expect(await r.list(disk, { after: page[1] })).toMatchObject([{ key: { where: 'new', slot: 3 } }]);
    expect(await r.list(disk, { orderBy: { size: 'asc' }, where: { slot: { gt: 1 } } })).toMatchObject([
      { record: { size: 7 } },
      { record: { size: 8 } },
    ]);
    expect(await r.retry(disk, { where: 'new', slot: 1 })).toBe(1);
  });

  test('counts as it lists', async () => {
    for (const id of ['VM1', 'VM2', 'VM3']) await persist(id, ['E1', 'E2'], id);
    await r.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1');
    expect(await r.count(vm)).toBe(3);
    expect(await r.count(vm, { status: 'PENDING', where: { name: { gt: 'VM1' } } })).toBe(2);
    expect(await r.count(vm, { status: ['REALIZED', 'ERROR'], enforcementPoint: 'E1' })).toBe(1);
    expect(await fixture.realization.as(coke).count(vm)).toBe(0);
  });
});

describe('retry', () => {
  const LIMIT = { timeoutMs: 20_000 };

  test('makes what failed due now, with attempts from 1 and at the same revision', async () => {
    const attempts: string[] = [];
    let isBroken = true;
    await workers.work(
      'E1',
      {
        realize: async ({ record, attempt, revision }) => {
          attempts.push(`${record.id} at ${revision}, ${attempt}`);
          if (isBroken) throw new Error('no room');
        },
      },
      { retry: { limit: 2, minDelayMs: 1, maxDelayMs: 1 } },
    );
    await persist('VM1');
    await eventually(async () => expect((await jobs())[0]?.state).toBe('failed'), LIMIT);
    isBroken = false;
    expect(await r.retry(vm, 'VM1')).toBe(1);
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
    expect(attempts).toEqual(['VM1 at 1, 1', 'VM1 at 1, 2', 'VM1 at 1, 1']);
    await eventually(async () => expect(await jobs()).toEqual([]), LIMIT);
    expect(await r.retry(vm, 'VM1')).toBe(0);
  });

  test('does not wait for a backoff of hours', async () => {
    let failures = 1;
    await workers.work(
      'E1',
      {
        realize: async () => {
          if (failures-- > 0) throw new Error('no room');
        },
      },
      { retry: { limit: 5, minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
    );
    await persist('VM1');
    await r.waitFor(vm, 'VM1', { status: 'ERROR', ...LIMIT });
    await eventually(async () => expect((await jobs())[0]?.state).toBe('retry'), LIMIT);
    expect(await r.retry(vm, { status: 'ERROR' })).toBe(1);
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
    const history = await r.history(vm, 'VM1', { limit: 6 });
    expect(history.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual([
      'REALIZED 1',
      'IN_PROGRESS 1',
      'PENDING null',
      'ERROR 1',
      'IN_PROGRESS 1',
      'PENDING null',
    ]);
  });

  test.each([
    ['retries a job', `retry_jobs('public', 'vm', array['E1'], array['["Pepsi", "VM1"]'::jsonb], array['Coke'])`],
    ['adds jobs', `enqueue_jobs('public', 'vm', array['E1'], array['["Pepsi", "VM1"]'::jsonb], array['Coke'], 0)`],
    ['adds one', `add_job('public/vm/E1', '["Pepsi", "VM1"]', 'Pepsi/VM1', 'Coke', 0)`],
    ['adds one of its own in its turn', `add_job('public/vm/E1', '["Coke", "VM1"]', 'Coke/VM1', 'Pepsi', 0)`],
    [
      'adds many in its turn',
      `enqueue_jobs('public', 'vm', array['E1'], array['["Coke", "VM1"]'::jsonb], array['Pepsi'], 0)`,
    ],
    ['takes the key of one', `add_job('public/vm/E1', '["Coke", "VM1"]', 'Pepsi/VM1', 'Coke', 0)`],
    ['adds one without an org', `add_job('public/vm/E1', '["Pepsi", "VM1"]', 'Pepsi/VM1', null, 0)`],
    ['adds one to an unknown table', `add_job('public/vms/E1', '["Pepsi", "VM1"]', 'Pepsi/VM1', null, 0)`],
    [
      'adds many to an unknown table',
      `enqueue_jobs('public', 'vms', array['E1'], array['["Pepsi", "VM1"]'::jsonb], array[null], 0)`,
    ],
  ])("SQL of a tenant's own never %s of another tenant", async (_, call) => {
    await persist('VM1');
    const before = await jobs();
    const attempt = fixture.store.as(coke).transaction((tx) => tx.query(`select intendant.${call}`), { tables: [vm] });
    await expect(attempt).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    expect(await jobs()).toEqual(before);
  });

  test('of a filter means the points in that status, of every resource that matches, and one’s own alone', async () => {
    const records = [await persist('VM1', ['E1', 'E2']), await persist('VM2', ['E1', 'E2']), await persist('VM3')];
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM9', name: '' }, { enforcementPoints: ['E1'] });
    await query('delete from intendant_jobs.job_common');
    await r.markError(vm, records.slice(0, 2), 'E1', 'no room');
    await fixture.realization.as(coke).markError(vm, { id: 'VM9', revision: 1 }, 'E1', 'no room');
    expect(await r.retry(vm, { status: 'ERROR', enforcementPoint: 'E2' })).toBe(0);
    expect(await r.retry(vm, { status: 'ERROR', where: { id: 'VM2' } })).toBe(1);
    expect(await statusLine(r, vm, 'VM2', 'E1', 'E2')).toBe('PENDING / PENDING / PENDING');
    expect(await statusLine(r, vm, 'VM1', 'E1', 'E2')).toBe('ERROR / ERROR / PENDING');
    expect(await r.retry(vm, { status: 'ERROR' })).toBe(1);
    expect(await r.retry(vm, ['VM1', 'VM2', 'VM3'], { enforcementPoint: 'E1' })).toBe(3);
    expect(await jobs()).toHaveLength(3);
    await expect(fixture.realization.as(auditor).retry(vm, 'VM1')).rejects.toMatchObject({
      code: 'OPERATION_NOT_ALLOWED',
    });
  });

  test('removals are retried as removals, and what is running is left alone', async () => {
    const record = await persist('VM1', ['E1', 'E2']);
    await r.softDelete(vm, 'VM1');
    await r.markDeletionError(vm, { ...record, revision: 2 }, 'E1', 'it is stuck');
    await query("update intendant_jobs.job_common set state = 'active', started_on = now() where name like '%/E2'");
    expect(await r.retry(vm, 'VM1')).toBe(1);
    expect(await statusLine(r, vm, 'VM1', 'E1')).toBe('DELETION_PENDING / DELETION_PENDING');
    expect(await jobs()).toHaveLength(2);
  });

  test('joins a transaction: rolled back with it', async () => {
    const record = await persist('VM1');
    await r.markError(vm, record, 'E1', 'no room');
    await query("update intendant_jobs.job_common set start_after = now() + interval '1 hour'");
    const undone = fixture.store.as(pepsi).transaction(async (tx) => {
      expect(await fixture.realization.in(tx).retry(vm, { status: 'ERROR' })).toBe(1);
      throw new Error('never mind');
    });
    await expect(undone).rejects.toThrow('never mind');
    expect((await jobs())[0]?.isDue).toBe(false);
    expect(await r.getOverallStatus(vm, 'VM1')).toBe('ERROR');
  });
});

describe('operator actions on many resources', () => {
  test('resync makes a look at each realized resource, and purge removes every trace of those that match', async () => {
    const records = [await persist('VM1', ['E1', 'E2']), await persist('VM2')];
    await r.markSuccess(vm, records, 'E1');
    await query('delete from intendant_jobs.job_common');
    expect(await r.resync(vm, {})).toBe(2);
    expect(await r.resync(vm, ['VM1'])).toBe(0);
    expect(await r.purgeMany(vm, { status: 'REALIZED' }, { dryRun: true })).toBe(1);
    expect(await r.purgeMany(vm, ['VM1', 'VM2', 'VM3'], { dryRun: true })).toBe(2);
    expect(await fixture.realization.as(coke).purgeMany(vm, ['VM1'])).toBe(0);
    expect(await r.purgeMany(vm, { status: 'REALIZED' })).toBe(1);
    expect(lineOf(await r.list(vm))).toBe('VM1 PENDING');
    expect(await r.purgeMany(vm, ['VM1'])).toBe(1);
    await expect(fixture.store.as(pepsi).find(vm, 'VM1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
  });
});

describe('details of one resource and of the points', () => {
  test('detail returns for each point the error, the attempt, and when the next one is due', async () => {
    await workers.work(
      'E1',
      {
        realize: async () => {
          throw new Error('no room');
        },
      },
      { retry: { limit: 5, minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
    );
    const record = await persist('VM1', ['E1', 'E2']);
    await r.waitFor(vm, 'VM1', { status: 'ERROR', timeoutMs: 20_000 });
    const detail = await r.detail(vm, 'VM1');
    expect(detail).toMatchObject({ key: { id: 'VM1', orgId: 'Pepsi' }, record, overall: { status: 'ERROR' } });
    expect(detail.points).toMatchObject([
      {
        enforcementPoint: 'E1',
        status: 'ERROR',
        attempt: 1,
        job: 'waiting',
        pointState: 'unregistered',
        isRemoval: false,
      },
      { enforcementPoint: 'E2', status: 'PENDING', attempt: null, job: 'waiting', error: '' },
    ]);
    expect(detail.points[0]?.error).toContain('no room');
    const [failed, pending] = detail.points.map(({ nextAttemptAt }) => (nextAttemptAt as Date).getTime() - Date.now());
    expect(failed).toBeGreaterThan(1_000_000);
    expect(pending).toBeLessThan(1000);
    await expect(fixture.realization.as(coke).detail(vm, 'VM1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
  });

  test('the points count only the caller’s own resources and jobs', async () => {
    for (const id of ['VM1', 'VM2']) await persist(id);
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
    const [own] = await r.points();
    expect(own).toMatchObject({
      id: 'E1',
      state: 'unregistered',
      workers: 0,
      queue: { waiting: 2, due: 2, running: 0 },
    });
    expect(own?.statuses.get('vm')).toEqual({ PENDING: 2 });
    expect(own?.queue.oldestDueAt).toBeInstanceOf(Date);
    const [all] = await fixture.realization.as(service).points();
    expect(all?.queue.waiting).toBe(3);
    expect((await fixture.realization.points.previewRemoval('E1')).get('vm')).toEqual({ PENDING: 3 });
  });

  test('history goes on before the last item of a page', async () => {
    const record = await persist('VM1');
    for (const text of ['a', 'b', 'c']) await r.markError(vm, record, 'E1', text);
    const first = await r.history(vm, 'VM1', { limit: 2 });
    const second = await r.history(vm, 'VM1', { limit: 2, before: first[1]?.seq as number });
    expect([...first, ...second].map(({ message }) => message.slice(6, 7))).toEqual(['c', 'b', 'a', '']);
  });
});

describe('intents of many resources, and of missing ones', () => {
  test('a revision of a missing resource is refused, and revision 0 only creates', async () => {
    const conflict = { code: 'REVISION_CONFLICT' };
    const stale = await persist('VM1');
    await r.purge(vm, 'VM1');
    const inTransaction = (record: object) =>
      fixture.store.as(pepsi).transaction((tx) => fixture.realization.in(tx).persistIntent(vm, record as never));
    for (const record of [stale, { id: 'VM2', name: '', revision: 7 }]) {
      await expect(r.persistIntent(vm, record)).rejects.toMatchObject(conflict);
      await expect(inTransaction(record)).rejects.toMatchObject(conflict);
      await expect(r.persistIntents(vm, [record])).rejects.toMatchObject(conflict);
    }
    expect(await r.list(vm)).toEqual([]);
    const created = await r.persistIntent(vm, { id: 'VM1', name: '', revision: 0 }, { enforcementPoints: ['E1'] });
    expect(created.record.revision).toBeGreaterThan(0);
    await expect(r.persistIntent(vm, { id: 'VM1', name: '', revision: 0 })).rejects.toMatchObject(conflict);
    await r.delete(vm, 'VM1');
    await expect(r.persistIntent(vm, created.record)).rejects.toMatchObject(conflict);
    expect((await r.persistIntent(vm, { ...created.record, revision: 0 })).record.revision).toBeGreaterThan(1);
  });

  test('sessions of core refuse to change resources, name the method to use instead, and obey bypassRealization', async () => {
    const record = await persist('VM1');
    const session = fixture.store.as(pepsi);
    const other = { id: 'VM2', name: '' };
    await expect(session.insert(vm, other)).rejects.toThrow(/persistIntent/);
    await expect(session.insertMany(vm, [other])).rejects.toThrow(/persistIntents/);
    await expect(session.upsert(vm, other)).rejects.toThrow(/persistIntent/);
    await expect(session.update(vm, record)).rejects.toThrow(/persistIntent/);
    await expect(session.updateMany(vm, {}, { name: 'x' })).rejects.toThrow(/persistIntents/);
    await expect(session.softDelete(vm, 'VM1')).rejects.toThrow(/softDelete of realization/);
    await expect(session.delete(vm, 'VM1')).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    await expect(session.deleteMany(vm, { where: {} })).rejects.toThrow(/softDeleteMany/);
    await expect(session.transaction((tx) => tx.insert(vm, other))).rejects.toThrow(/persistIntent/);
    expect(await session.findMany(vm)).toEqual([record]);
    await session.insert(vm, other, { bypassRealization: true });
    expect(await session.deleteMany(vm, { where: { id: 'VM2' }, bypassRealization: true })).toBe(1);
  });

  test('a resource that is deleted while it is enforced is still removed by the workers', async () => {
    const done = await persist('VM1', ['E1', 'E2']);
    for (const point of ['E1', 'E2']) await r.markSuccess(vm, done, point);
    await query('delete from intendant_jobs.job_common');
    expect(await r.delete(vm, 'VM1')).toBe(1);
    expect(await statusLine(r, vm, 'VM1', 'E1', 'E2')).toBe('DELETION_PENDING / DELETION_PENDING / DELETION_PENDING');
    const calls: unknown[] = [];
    await workers.work('E1', { unrealize: async ({ record: { id }, revision }) => void calls.push([id, revision]) });
    await r.markDeletionRealized(vm, done, 'E2');
    await r.waitFor(vm, 'VM1', { status: 'DELETION_REALIZED', timeoutMs: 20_000 });
    expect(calls).toEqual([['VM1', 1]]);
  });

  test('an intent for no point needs no worker, and is removed as soon as it is deleted', async () => {
    const nowhere = [{ enforcementPoints: [] }, { selector: { region: 'nowhere' } }];
    for (const [index, options] of nowhere.entries()) {
      const id = `VM${index}`;
      expect((await r.persistIntent(vm, { id, name: '' }, options)).status).toBe('REALIZED');
      expect(await r.getOverallStatus(vm, id)).toBe('REALIZED');
      await r.softDelete(vm, id);
      expect(await r.getOverallStatus(vm, id)).toBe('DELETION_REALIZED');
    }
    expect((await r.persistIntent(vm, { id: 'VM9', name: '' })).status).toBe('PENDING');
    const moved = await persist('VM3');
    await r.markSuccess(vm, moved, 'E1');
    const leaving = await r.persistIntent(vm, moved, { enforcementPoints: [] });
    expect(leaving.status).toBe('PENDING');
    await r.markDeletionRealized(vm, leaving.record, 'E1');
    expect(await r.getOverallStatus(vm, 'VM3')).toBe('REALIZED');
  });

  test('an intent that says nothing about its points leaves a resource that is nowhere REALIZED, in every way to persist it', async () => {
    const nowhere = { enforcementPoints: [] };
    for (const id of ['VM1', 'VM2', 'VM3', 'VM4']) await r.persistIntent(vm, { id, name: 'one' }, nowhere);
    expect((await r.persistIntent(vm, { id: 'VM1', name: 'two' })).status).toBe('REALIZED');
    expect((await r.persistIntents(vm, [{ id: 'VM2', name: 'two' }]))[0]?.status).toBe('REALIZED');
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = await fixture.realization.in(tx).persistIntent(vm, { id: 'VM3', name: 'two' });
      expect(inside.status).toBe('REALIZED');
    });
    const submitted = await r.submit.persistIntent(vm, { id: 'VM4', name: 'two' });
    expect((await submitted.result({ timeoutMs: 10_000 })).status).toBe('REALIZED');
    expect(await r.count(vm, { status: 'REALIZED' })).toBe(4);
    await expect(r.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1')).rejects.toMatchObject({ code: 'MARKING_FAILED' });
    expect(await r.getOverallStatus(vm, 'VM1')).toBe('REALIZED');
    expect((await r.persistIntent(vm, { id: 'VM1', name: 'two' }, { enforcementPoints: ['E1'] })).status).toBe(
      'PENDING',
    );
    await r.softDelete(vm, 'VM2');
    await expect(r.markSuccess(vm, { id: 'VM2', revision: 2 }, 'E1')).rejects.toMatchObject({ code: 'MARKING_FAILED' });
    expect(await r.getOverallStatus(vm, 'VM2')).toBe('DELETION_REALIZED');
  });

  test('many that fail inside a transaction are undone alone, and ids that were used before are among them', async () => {
    await persist('used');
    await r.delete(vm, 'used');
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = fixture.realization.in(tx);
      await inside.persistIntent(vm, { id: 'VM1', name: 'kept' }, { enforcementPoints: ['E1'] });
      const stale = [
        { id: 'VM1', name: 'changed' },
        { id: 'VM2', name: '', revision: 7 },
      ];
      await expect(inside.persistIntents(vm, stale)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
      const names = ['VM3', 'used', 'VM4', 'used', 'VM3'].map((id) => ({ id, name: 'many' }));
      const many = await inside.persistIntents(vm, names, { enforcementPoints: ['E1'] });
      expect(many.map(({ record }) => record.revision)).toEqual([1, 2, 1, 3, 2]);
      expect((await inside.softDeleteMany(vm, ['VM4', 'VM3', 'nobody', 'VM4'])).records).toMatchObject([
        { id: 'VM4', revision: 2 },
        { id: 'VM3', revision: 3 },
      ]);
    });
    expect(await fixture.store.as(pepsi).findMany(vm, { orderBy: { id: 'asc' } })).toMatchObject([
      { id: 'VM1', name: 'kept', revision: 1 },
      { id: 'used', revision: 3 },
    ]);
    expect(await statusLine(r, vm, 'VM3', 'E1')).toBe('DELETION_PENDING / DELETION_PENDING');
    expect(await r.softDeleteMany(vm, [])).toEqual({ rowsAffected: 0, records: [] });
  });

  test('many are soft-deleted in one round trip, also those that are nowhere', async () => {
    await r.persistIntents(vm, [{ id: 'VM1', name: '' }], { enforcementPoints: ['E1', 'E2'] });
    await r.persistIntents(vm, [{ id: 'VM2', name: '' }], { enforcementPoints: [] });
    expect((await r.softDeleteMany(vm, ['VM1', 'VM2'])).rowsAffected).toBe(2);
    expect(await statusLine(r, vm, 'VM1', 'E1', 'E2')).toBe('DELETION_PENDING / DELETION_PENDING / DELETION_PENDING');
    expect(await r.getOverallStatus(vm, 'VM2')).toBe('DELETION_REALIZED');
    const calls: string[] = [];
    await workers.work('E2', { unrealize: async ({ record: { id } }) => void calls.push(id) });
    await eventually(() => expect(calls).toEqual(['VM1']), { timeoutMs: 10_000 });
  });

  test('many are submitted at once, each of which is carried out by itself', async () => {
    const records = ['VM1', 'VM2'].map((id) => ({ id, name: 'one' }));
    const submitted = await r.submit.persistIntents(vm, records, { enforcementPoints: ['E1'] });
    const limit = { timeoutMs: 10_000 };
    expect(await submitted.result(limit)).toMatchObject([
      { record: { id: 'VM1', revision: 1 }, status: 'PENDING' },
      { record: { id: 'VM2', revision: 1 }, status: 'PENDING' },
    ]);
    const stale = await r.submit.persistIntents(vm, [
      { id: 'VM1', name: 'two' },
      { id: 'VM2', name: 'two', revision: 9 },
    ]);
    await expect(stale.result(limit)).rejects.toMatchObject({ code: 'REVISION_CONFLICT', details: { refused: [1] } });
    expect((await fixture.store.as(pepsi).find(vm, 'VM1')).name).toBe('two');
    const removed = await r.submit.softDeleteMany(vm, ['VM1', 'nobody', 'VM2']);
    expect(await removed.result(limit)).toMatchObject({ rowsAffected: 2, records: [{ id: 'VM1' }, { id: 'VM2' }] });
    for (const empty of [
      r.submit.persistIntents(vm, []),
      r.submit.softDeleteMany(vm, []),
      r.submit.markSuccess(vm, [], 'E1'),
    ])
      await (await empty).result(limit);
  });

  test('many are persisted and soft-deleted at once: all of them, or none', async () => {
    const records = Array.from({ length: 120 }, (_, n) => ({ id: `VM${n}`, name: 'one' }));
    const stored = await r.persistIntents(vm, records, { enforcementPoints: ['E1', 'E2'] });
    expect(stored.map(({ record }) => record.id)).toEqual(records.map(({ id }) => id));
    expect(await r.count(vm, { status: 'PENDING', enforcementPoint: 'E2' })).toBe(120);
    expect(await jobs()).toHaveLength(240);
    const changed = stored.map(({ record }) => ({ ...record, name: 'two' }));
    const withStale = [...changed.slice(0, 3), { ...(changed[3] as (typeof changed)[0]), revision: 9 }];
    await expect(r.persistIntents(vm, withStale)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
    expect((await fixture.store.as(pepsi).find(vm, 'VM0')).name).toBe('one');
    await r.delete(vm, 'VM5');
    const again = await r.persistIntents(vm, [
      { id: 'VM5', name: 'anew' },
      { id: 'VM6', name: 'two' },
    ]);
    expect(again.map(({ record }) => record.revision)).toEqual([2, 2]);
    const deleted = await r.softDeleteMany(vm, ['VM1', 'nobody', 'VM2']);
    expect(deleted).toMatchObject({ rowsAffected: 2, records: [{ id: 'VM1', revision: 2 }, { id: 'VM2' }] });
    expect(await r.getOverallStatus(vm, 'VM2')).toBe('DELETION_PENDING');
    await expect(
      fixture.store.as(pepsi).transaction(async (tx) => {
        await fixture.realization.in(tx).persistIntents(vm, [{ id: 'new', name: '' }]);
        await fixture.realization.in(tx).softDeleteMany(vm, ['VM7']);
        throw new Error('never mind');
      }),
    ).rejects.toThrow('never mind');
    expect((await r.statuses(vm, ['new', 'VM7'])).get('VM7')?.overall.status).toBe('PENDING');
  });

  test('a mark of PENDING makes a job, also a submitted one', async () => {
    const record = await persist('VM1');
    await r.markSuccess(vm, record, 'E1');
    await query('delete from intendant_jobs.job_common');
    await r.markSuccess(vm, record, 'E1');
    expect(await jobs()).toEqual([]);
    await r.markPending(vm, record, 'E1');
    expect(await jobs()).toMatchObject([{ state: 'created', isDue: true }]);
    await query('delete from intendant_jobs.job_common');
    await r.markSuccess(vm, record, 'E1');
    await (await r.submit.markPending(vm, record, 'E1')).result({ timeoutMs: 20_000 });
    expect(await jobs()).toHaveLength(1);
    await expect(r.markPending(vm, { id: 'VM1', revision: 9 }, 'E1')).rejects.toMatchObject({ code: 'MARKING_FAILED' });
  });
});
