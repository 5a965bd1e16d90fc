import {
  MarkingFailedError,
  OperationCancelledError,
  RecordNotFoundError,
  RevisionConflictError,
} from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RealizationSession } from '../index.ts';
import { coke, type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { statusLine } from '../testing/statuses.ts';
import { gate } from '../testing/waiting.ts';

let fixture: Fixture;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture({ poolSize: 16 });
  r = fixture.realization.as(pepsi);
});
afterEach(() => fixture.empty());
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMIT = { timeoutMs: 20_000 };
const E1 = { enforcementPoints: ['E1'] };
const now = (id: string, ...at: string[]) => statusLine(r, vm, id, ...at);
const persist = async (id: string) => (await r.persistIntent(vm, { id, name: 'one' }, E1)).record;
const waiting = async () => {
  const { rows } = await internalsOf(fixture.store).withAdmin((client) =>
    client.query('select count(*)::int as waiting from intendant.submitted_operation where not is_finished'),
  );
  return rows[0].waiting as number;
};

describe('a submitted operation', () => {
  test('carries labels as they are, whatever they look like', async () => {
    const selector = { bytes: 'AAEC', type: 'Buffer', data: ['1', '2'] };
    await (await r.submit.persistIntent(vm, { id: 'VM1', name: 'one' }, { selector })).result(LIMIT);
    const { rows } = await internalsOf(fixture.store).withAdmin((client) =>
      client.query('select placement_selector as selector from public.overall_status_vm'),
    );
    expect(rows).toEqual([{ selector }]);
  });

  test('does what the operation does, and returns what the operation would have returned', async () => {
    const intent = await r.submit.persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints: ['E1', 'E2'] });
    const { record, status } = await intent.result(LIMIT);
    expect(status).toBe('PENDING');
    expect(record).toEqual(await fixture.store.as(pepsi).find(vm, 'VM1'));
    for (const mark of ['markPending', 'markInProgress', 'markSuccess'] as const) {
      expect(await (await r.submit[mark](vm, record, 'E1')).result(LIMIT)).toBeUndefined();
    }
    await (await r.submit.markError(vm, record, 'E2', new Error('no room'))).result(LIMIT);
    expect(await now('VM1', 'E1', 'E2')).toBe('ERROR / REALIZED / ERROR');
    const hidden = await (await r.submit.softDelete(vm, 'VM1')).result(LIMIT);
    expect(hidden).toMatchObject({ rowsAffected: 1, record: { id: 'VM1', revision: 2 } });
    const gone = hidden.record as typeof record;
    await (await r.submit.markDeletionInProgress(vm, gone, 'E1')).result(LIMIT);
    await (await r.submit.markDeletionError(vm, gone, 'E1', 'stuck')).result(LIMIT);
    await (await r.submit.markDeletionPending(vm, gone, 'E1')).result(LIMIT);
    for (const point of ['E1', 'E2']) await (await r.submit.markDeletionRealized(vm, gone, point)).result(LIMIT);
    expect(await now('VM1', 'E1', 'E2')).toBe('DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED');
    expect(await (await r.submit.delete(vm, 'VM1')).result(LIMIT)).toBe(1);
    expect(await (await r.submit.purgeStaleStatusRecords(vm, 'VM1')).result(LIMIT)).toBe(3);
    expect(await (await r.submit.purge(vm, 'VM1')).result(LIMIT)).toBe(0);
    expect(await (await r.submit.softDelete(vm, 'VM1')).result(LIMIT)).toEqual({ rowsAffected: 0, record: undefined });
  });

  test('that the rules refuse changes nothing, and its result throws what the operation would have', async () => {
    const record = await persist('VM1');
    const late = await r.submit.markSuccess(vm, { id: 'VM1', revision: 9 }, 'E1');
    const refused = await late.result(LIMIT).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MarkingFailedError);
    expect((refused as Error).cause).toBeInstanceOf(RecordNotFoundError);
    const conflict = await r.submit.persistIntent(vm, { ...record, revision: 7 });
    await expect(conflict.result(LIMIT)).rejects.toThrow(RevisionConflictError);
    await expect((await r.submit.delete(vm, 'VM1', { revision: 5 })).result(LIMIT)).rejects.toThrow(
      RevisionConflictError,
    );
    expect(await now('VM1', 'E1')).toBe('PENDING / PENDING');
  });

  test('on several resources fails for the stale one alone', async () => {
    const records = [await persist('VM1'), await persist('VM2')];
    await persist('VM1');
    const submitted = await r.submit.markSuccess(vm, records, 'E1');
    await expect(submitted.result(LIMIT)).rejects.toMatchObject({
      code: 'MARKING_FAILED',
      message: expect.stringContaining('1 of 2 marks were refused'),
      cause: expect.any(RevisionConflictError),
    });
    expect(await now('VM2', 'E1')).toBe('REALIZED / REALIZED');
  });

  test('that does not fit, or that the caller may not do, is refused at once', async () => {
    await expect(r.submit.markSuccess(vm, { id: 'VM1', revision: 1 }, '')).rejects.toMatchObject({
      code: 'INVALID_RECORD',
    });
    await expect(r.submit.persistIntent(vm, { id: 'VM1', name: 7 as never })).rejects.toMatchObject({
      code: 'INVALID_RECORD',
    });
    await expect(
      r.submit.markSuccess(vm, { id: 'VM1', revision: 1, orgId: 'Coke' } as never, 'E1'),
    ).rejects.toMatchObject({
      code: 'OPERATION_NOT_ALLOWED',
    });
    const auditor = fixture.realization.as({ orgId: 'Pepsi', roles: ['tenant_auditor'] });
    await expect(auditor.submit.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1')).rejects.toMatchObject({
      code: 'OPERATION_NOT_ALLOWED',
    });
    const blank = fixture.realization.as(undefined as never);
    await expect(blank.submit.purge(vm, 'VM1')).rejects.toMatchObject({ code: 'MISSING_CONTEXT' });
    expect(await waiting()).toBe(0);
  });

  test('acts for its caller: another tenant’s resource of the same id is not touched, and nobody else sees the result', async () => {
    await persist('VM1');
    const other = fixture.realization.as(coke);
    const submitted = await other.submit.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1');
    await expect(submitted.result(LIMIT)).rejects.toThrow(MarkingFailedError);
    expect(await now('VM1', 'E1')).toBe('PENDING / PENDING');
    const seen = await fixture.store
      .as(coke)
      .transaction((tx) => tx.query('select distinct org_id from intendant.submitted_operation'), { tables: [vm] });
    expect(seen.rows).toEqual([{ org_id: 'Coke' }]);
  });

  test('cannot be forged: a tenant’s own SQL submits under no other role, and changes nothing that was submitted', async () => {
    const forged = (role: string) => `
      insert into intendant.submitted_operation
        (org_id, id, part, seq, shard, table_name, operation, caller_role, payload, is_finished)
      values ('Pepsi', 'forged ${role}', 0, 1, 0, 'public.vm', 'purge', '${role}', '{"kind":"purge","identity":["Coke","VM1"]}', false)`;
    const sql = (text: string) => fixture.store.as(pepsi).transaction((tx) => tx.query(text), { tables: [vm] });
    for (const role of ['writer', 'instance_writer'])
      await expect(sql(forged(role))).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: 'kept' }, { enforcementPoints: ['E1'] });
    await sql(forged('tenant_writer'));
    await (await r.submit.persistIntent(vm, { id: 'VM2', name: '' })).result(LIMIT);
    const changed = await sql(`update intendant.submitted_operation set caller_role = 'writer', is_finished = false`);
    expect(changed.rowCount).toBe(0);
    expect((await sql('delete from intendant.submitted_operation')).rowCount).toBe(0);
    expect((await fixture.store.as(coke).find(vm, 'VM1')).name).toBe('kept');
  });

  test('of a service that names the tenant is carried out for that tenant', async () => {
    const service = fixture.realization.as({ roles: ['service_admin'] });
    const intent = await service.submit.persistIntent(vm, { id: 'VM9', name: '', orgId: 'Pepsi' } as never, E1);
    expect((await intent.result(LIMIT)).record).toMatchObject({ orgId: 'Pepsi', id: 'VM9' });
  });
});

describe('many submitted operations', () => {
  test('are carried out in order for one resource', async () => {
    const results = [];
    for (let turn = 1; turn <= 20; turn++) {
      results.push(await r.submit.persistIntent(vm, { id: 'VM1', name: `take ${turn}` }, E1));
      results.push(await r.submit.markInProgress(vm, { id: 'VM1', revision: turn }, 'E1'));
      results.push(await r.submit.markSuccess(vm, { id: 'VM1', revision: turn }, 'E1'));
    }
    await Promise.all(results.map((submitted) => submitted.result(LIMIT)));
    expect(await fixture.store.as(pepsi).find(vm, 'VM1')).toMatchObject({ revision: 20, name: 'take 20' });
    expect(await now('VM1', 'E1')).toBe('REALIZED / REALIZED');
  });

  test('in a burst are each carried out', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `VM${index}`);
    await Promise.all(ids.map((id) => r.submit.persistIntent(vm, { id, name: '' }, E1)));
    const marks = await Promise.all(ids.map((id) => r.submit.markSuccess(vm, { id, revision: 1 }, 'E1')));
    await Promise.all(marks.map((mark) => mark.result(LIMIT)));
    for (const id of [ids[0], ids[299]]) expect(await now(id as string, 'E1')).toBe('REALIZED / REALIZED');
    expect(await waiting()).toBe(0);
  });

  test('go on while one resource is held, which is next when it is free', async () => {
    await persist('held');
    const locked = gate();
    const release = gate();
    const holding = fixture.store.as(pepsi).transaction(async (tx) => {
      await fixture.realization.in(tx).markInProgress(vm, { id: 'held', revision: 1 }, 'E1');
      locked.open();
      await release.opened;
    });
    await locked.opened;
    const held = await r.submit.markSuccess(vm, { id: 'held', revision: 1 }, 'E1');
    const others = Array.from({ length: 40 }, (_, index) => `free ${index}`);
    const intents = await Promise.all(others.map((id) => r.submit.persistIntent(vm, { id, name: '' })));
    await Promise.all(intents.map((intent) => intent.result(LIMIT)));
    expect(await waiting()).toBe(1);
    release.open();
    await holding;
    await held.result(LIMIT);
    expect(await now('held', 'E1')).toBe('REALIZED / REALIZED');
  });

  test.skipIf(cannotHoldOnCitus("a trigger of the caller's own must be created on each node"))(
    'fail alone when the database refuses one of them',
    async () => {
      await internalsOf(fixture.store).withAdmin((client) =>
        client.query(`create or replace function refuse_bad() returns trigger language plpgsql as
        $body$ begin if new.name = 'bad' then raise exception 'bad name' using errcode = '23514'; end if; return new; end $body$;
        create or replace trigger refuse_bad before insert or update on public.vm for each row execute function refuse_bad()`),
      );
      const names = ['good', 'bad', 'fine'];
      const intents = await Promise.all(names.map((name) => r.submit.persistIntent(vm, { id: name, name })));
      const results = await Promise.allSettled(intents.map((intent) => intent.result(LIMIT)));
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await now('good')).toBe('PENDING');
      await expect(r.getOverallStatus(vm, 'bad')).rejects.toThrow(RecordNotFoundError);
    },
  );
});

describe('submitting inside a transaction', () => {
  test('queues the operation when it commits', async () => {
    await persist('VM1');
    const submitted = await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = await fixture.realization.in(tx).submit.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1');
      await expect(inside.result({ timeoutMs: 50 })).rejects.toThrow(OperationCancelledError);
      return inside;
    });
    await submitted.result(LIMIT);
    expect(await now('VM1', 'E1')).toBe('REALIZED / REALIZED');
  });

  test('that rolls back queues nothing', async () => {
    await persist('VM1');
    const failing = fixture.store.as(pepsi).transaction(async (tx) => {
      await fixture.realization.in(tx).submit.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await waiting()).toBe(0);
    expect(await now('VM1', 'E1')).toBe('PENDING / PENDING');
  });
});
