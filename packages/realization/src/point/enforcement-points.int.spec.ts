import { MarkingFailedError, RecordNotFoundError } from '@intendant/core';
import { describe, expect, test } from 'vitest';
import { coke, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { EU, openPointsSuite } from '../testing/points-suite.ts';
import { statusLine } from '../testing/statuses.ts';
import { LIMIT, soon } from '../testing/suite.ts';
import { gate } from '../testing/waiting.ts';

const { fixture, r, workers, points, query, addPoint, persist, now, untilStatus, work } = await openPointsSuite();

describe('placing by labels', () => {
  test('an intent goes to the live points whose labels match its selector, in its own transaction', async () => {
    await addPoint('eu-1', { region: 'eu', tier: 1 });
    await addPoint('eu-2', { region: 'eu', tier: 2 });
    await addPoint('us-1', { region: 'us', tier: 1 });
    await persist('VM1', EU);
    expect(await now('VM1', 'eu-1', 'eu-2', 'us-1')).toBe('PENDING / PENDING / PENDING / UNKNOWN');
    await persist('VM2', { region: ['us', 'asia'] });
    expect(await now('VM2', 'eu-1', 'eu-2', 'us-1')).toBe('PENDING / UNKNOWN / UNKNOWN / PENDING');
    await persist('VM3', { tier: 1 });
    expect(await now('VM3', 'eu-1', 'eu-2', 'us-1')).toBe('PENDING / PENDING / UNKNOWN / PENDING');
    await persist('VM4', {});
    expect(await now('VM4', 'eu-1', 'eu-2', 'us-1')).toBe('PENDING / PENDING / PENDING / PENDING');
    await persist('VM5', { tier: '1' });
    expect(await now('VM5', 'eu-1', 'eu-2', 'us-1')).toBe('REALIZED / UNKNOWN / UNKNOWN / UNKNOWN');
  });

  test('an intent whose selector changes moves: what it leaves is being deleted, and it does not wait for that', async () => {
    await addPoint('p1', { zone: 'a' });
    await addPoint('p2', { zone: 'b' });
    await addPoint('p3', { zone: 'c' });
    const first = await persist('VM1', { zone: ['a', 'b'] });
    for (const point of ['p1', 'p2']) await r.markSuccess(vm, first, point);
    const moved = await persist('VM1', { zone: ['b', 'c'] });
    expect(await now('VM1', 'p1', 'p2', 'p3')).toBe('PENDING / DELETION_PENDING / PENDING / PENDING');
    for (const point of ['p2', 'p3']) await r.markSuccess(vm, moved, point);
    await r.markDeletionRealized(vm, moved, 'p1');
    expect(await now('VM1', 'p1', 'p2', 'p3')).toBe('REALIZED / DELETION_REALIZED / REALIZED / REALIZED');
  });

  test('a placement registered with the table places intents that say nothing, and an explicit list overrides it', async () => {
    const own = await openFixture({ tables: [] });
    await own.realization.register([vm], {
      roles: { tenant_admin: 'tenant_writer' },
      placement: ({ name }) => ({ region: name }),
    });
    await (await own.realization.points.add({ id: 'eu-1', labels: EU })).finished(LIMIT);
    const session = own.realization.as(pepsi);
    await session.persistIntent(vm, { id: 'VM1', name: 'eu' });
    expect(await statusLine(session, vm, 'VM1', 'eu-1')).toBe('PENDING / PENDING');
    await session.persistIntent(vm, { id: 'VM1', name: 'us' });
    expect(await statusLine(session, vm, 'VM1', 'eu-1')).toBe('PENDING / DELETION_PENDING');
    await session.persistIntent(vm, { id: 'VM2', name: 'us' }, { enforcementPoints: ['eu-1'] });
    expect(await statusLine(session, vm, 'VM2', 'eu-1')).toBe('PENDING / PENDING');
    await own[Symbol.asyncDispose]();
  });

  test('invalid selectors and labels are refused before anything is written', async () => {
    for (const selector of ['eu', [], { region: null }, { region: { is: 'eu' } }, { 'a\0': 'b' }, { n: Number.NaN }]) {
      await expect(persist('VM1', selector as never)).rejects.toMatchObject({ code: 'INVALID_RECORD' });
      await expect(points.add({ id: 'p', labels: selector as never })).rejects.toMatchObject({
        code: 'INVALID_RECORD',
      });
    }
    const both = r.persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'], selector: {} });
    await expect(both).rejects.toThrow('not both');
    await expect(r.getOverallStatus(vm, 'VM1')).rejects.toThrow(RecordNotFoundError);
  });
});

describe('a new point', () => {
  test('gets every matching resource of every tenant as PENDING, with jobs, and realizes them', async () => {
    await persist('VM1', EU);
    await persist('VM2', { region: 'us' });
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: '' }, { selector: EU });
    await r.persistIntent(vm, { id: 'explicit', name: '' }, { enforcementPoints: ['E9'] });
    const progress = await addPoint('eu-1', EU);
    expect(progress).toMatchObject({ enforcementPoint: 'eu-1', total: 2, done: 2, isFinished: true });
    expect(await now('VM1', 'eu-1')).toBe('PENDING / PENDING');
    expect(await now('VM2', 'eu-1')).toBe('REALIZED / UNKNOWN');
    expect(await now('explicit', 'eu-1')).toBe('PENDING / UNKNOWN');
    const calls = await work('eu-1');
    await untilStatus('VM1', 'REALIZED');
    await fixture.realization.as(coke).waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
    expect(calls).toEqual(['realize VM1', 'realize VM1']);
  });

  test('makes a realized resource PENDING until it is realized there too', async () => {
    await addPoint('eu-1', EU);
    const record = await persist('VM1', EU);
    await r.markSuccess(vm, record, 'eu-1');
    await addPoint('eu-2', EU);
    expect(await now('VM1', 'eu-1', 'eu-2')).toBe('PENDING / REALIZED / PENDING');
    await r.markSuccess(vm, record, 'eu-2');
    expect(await now('VM1', 'eu-1', 'eu-2')).toBe('REALIZED / REALIZED / REALIZED');
  });

  test('also gets the resource of a concurrent intent that had not seen the new point', async () => {
    const persisted = gate();
    const release = gate();
    const intent = fixture.store.as(pepsi).transaction(async (tx) => {
      await fixture.realization.in(tx).persistIntent(vm, { id: 'VM1', name: '' }, { selector: EU });
      persisted.open();
      await release.opened;
    });
    await persisted.opened;
    const rollout = await points.add({ id: 'eu-1', labels: EU });
    await soon(async () => {
      const { rows } = await query('select phase from intendant.point_rollout');
      expect(rows).toEqual([{ phase: 'settle' }]);
    });
    expect((await rollout.progress()).isFinished).toBe(false);
    release.open();
    await intent;
    await rollout.finished(LIMIT);
    expect(await now('VM1', 'eu-1')).toBe('PENDING / PENDING');
  });

  test('does not wait for a locked resource, and gets it when the lock is released', async () => {
    await persist('VM1', EU);
    await persist('VM2', EU);
    const locked = gate();
    const release = gate();
    const holding = fixture.store.as(pepsi).transaction(async (tx) => {
      await fixture.realization.in(tx).markPending(vm, { id: 'VM1', revision: 1 }, 'elsewhere');
      locked.open();
      await release.opened;
    });
    await locked.opened;
    const rollout = await points.add({ id: 'eu-1', labels: EU });
    await soon(async () => expect(await now('VM2', 'eu-1')).toBe('PENDING / PENDING'));
    release.open();
    await holding;
    await rollout.finished(LIMIT);
    expect(await now('VM1', 'eu-1')).toBe('PENDING / PENDING');
  });

  test('with other labels gets what matches now and lets go of the rest', async () => {
    await addPoint('p1', EU);
    const here = await persist('VM1', EU);
    await persist('VM2', { region: 'us' });
    await r.markSuccess(vm, here, 'p1');
    await addPoint('p1', { region: 'us' });
    expect(await now('VM1', 'p1')).toBe('DELETION_PENDING / DELETION_PENDING');
    expect(await now('VM2', 'p1')).toBe('PENDING / PENDING');
  });

  test('is announced by its process, has a heartbeat, and keeps its labels when announced without labels', async () => {
    await using first = await points.announce({ id: 'eu-1', labels: EU });
    await using second = await points.announce({ id: 'eu-1' });
    expect(first.point).toMatchObject({ id: 'eu-1', labels: EU, tables: ['public.vm'], state: 'live' });
    expect(second.point.labels).toEqual(EU);
    expect((await points.list()).map(({ id }) => id)).toEqual(['eu-1']);
  });
});

describe('a removed point', () => {
  test('unrealizes everything there, and the statuses do not wait for it', async () => {
    await addPoint('eu-1', EU);
    await addPoint('eu-2', EU);
    const record = await persist('VM1', EU);
    for (const point of ['eu-1', 'eu-2']) await r.markSuccess(vm, record, point);
    const calls = await work('eu-2');
    await (await points.remove('eu-2')).finished(LIMIT);
    expect(await r.getOverallStatus(vm, 'VM1')).toBe('REALIZED');
    await soon(async () => expect(await now('VM1', 'eu-1', 'eu-2')).toBe('REALIZED / REALIZED / DELETION_REALIZED'));
    expect(calls).toEqual(['unrealize VM1']);
    await persist('VM1', EU);
    expect(await now('VM1', 'eu-1', 'eu-2')).toBe('PENDING / PENDING / UNKNOWN');
  });

  test('lets go of resources that were placed there by name', async () => {
    await addPoint('eu-1');
    const named = { enforcementPoints: ['eu-1', 'E2'], allowUnknownPoints: true };
    await r.persistIntent(vm, { id: 'VM1', name: '' }, named);
    await (await points.remove('eu-1')).finished(LIMIT);
    expect(await now('VM1', 'eu-1', 'E2')).toBe('PENDING / DELETION_PENDING / PENDING');
  });

  test('by force is deleted, with its statuses and jobs', async () => {
    await addPoint('eu-1', EU);
    const record = await persist('VM1', EU);
    await (await points.remove('eu-1', { force: true })).finished(LIMIT);
    expect(await now('VM1', 'eu-1')).toBe('REALIZED / UNKNOWN');
    const { rows } = await query('select count(*)::int as jobs from intendant_jobs.job');
    expect(rows).toEqual([{ jobs: 0 }]);
    await expect(r.markSuccess(vm, record, 'eu-1')).rejects.toThrow('eu-1 was removed');
    expect(await now('VM1', 'eu-1')).toBe('REALIZED / UNKNOWN');
  });

  test('accepts only deletion marks, no intents and no announcements', async () => {
    await addPoint('eu-1', EU);
    const record = await persist('VM1', EU);
    await (await points.remove('eu-1')).finished(LIMIT);
    const refused = await r.markSuccess(vm, record, 'eu-1').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MarkingFailedError);
    expect((refused as Error).cause).toBeInstanceOf(RecordNotFoundError);
    await expect(r.persistIntent(vm, { id: 'VM2', name: '' }, { enforcementPoints: ['eu-1'] })).rejects.toMatchObject({
      code: 'INVALID_RECORD',
      details: { enforcementPoint: 'eu-1' },
    });
    await expect(points.announce({ id: 'eu-1', labels: EU })).rejects.toThrow('was removed');
    await r.markDeletionRealized(vm, record, 'eu-1');
    expect(await now('VM1', 'eu-1')).toBe('REALIZED / DELETION_REALIZED');
    await addPoint('eu-1', EU);
    expect(await now('VM1', 'eu-1')).toBe('PENDING / PENDING');
  });

  test('that is not registered is an error', async () => {
    await expect(points.remove('nowhere')).rejects.toThrow(RecordNotFoundError);
    await expect(points.remove('')).rejects.toMatchObject({ code: 'INVALID_RECORD' });
  });

  test('while a worker is realizing a resource there still has it unrealized', async () => {
    await addPoint('eu-1', EU);
    const started = gate();
    const release = gate();
    const calls: string[] = [];
    await workers.work('eu-1', {
      realize: async () => {
        started.open();
        await release.opened;
        calls.push('realized');
      },
      unrealize: async () => void calls.push('unrealized'),
    });
    await persist('VM1', EU);
    await started.opened;
    await (await points.remove('eu-1')).finished(LIMIT);
    release.open();
    await soon(async () => expect(await now('VM1', 'eu-1')).toBe('REALIZED / DELETION_REALIZED'));
    expect(calls).toEqual(['realized', 'unrealized']);
  });
});
