import { describe, expect, test } from 'vitest';
import { coke, pepsi, vm } from '../testing/fixture.ts';
import { statusLine } from '../testing/statuses.ts';
import { storedJobs } from '../testing/stored-jobs.ts';
import { openSuite, soon } from '../testing/suite.ts';

const { fixture, r, workers, query, persist, untilStatus } = await openSuite();

const jobs = () => storedJobs(fixture.store);

const auditor = { orgId: 'Pepsi', roles: ['tenant_auditor'] };

describe('retry', () => {
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
    await soon(async () => expect((await jobs())[0]?.state).toBe('failed'));
    isBroken = false;
    expect(await r.retry(vm, 'VM1')).toBe(1);
    await untilStatus('VM1', 'REALIZED');
    expect(attempts).toEqual(['VM1 at 1, 1', 'VM1 at 1, 2', 'VM1 at 1, 1']);
    await soon(async () => expect(await jobs()).toEqual([]));
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
    await untilStatus('VM1', 'ERROR');
    await soon(async () => expect((await jobs())[0]?.state).toBe('retry'));
    expect(await r.retry(vm, { status: 'ERROR' })).toBe(1);
    await untilStatus('VM1', 'REALIZED');
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
