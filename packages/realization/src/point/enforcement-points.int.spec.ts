import { MarkingFailedError, RecordNotFoundError } from '@intendant/core';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Labels, on, type RealizationSession, type Worker } from '../index.ts';
import { coke, type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { statusLine } from '../testing/statuses.ts';
import { gate } from '../testing/waiting.ts';

let fixture: Fixture;
let r: RealizationSession;
let points: Fixture['realization']['points'];
const workers: Worker[] = [];
beforeAll(async () => {
  fixture = await openFixture();
  r = fixture.realization.as(pepsi);
  points = fixture.realization.points;
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await fixture.empty();
  await serviceQuery(fixture.store, 'delete from intendant.enforcement_point');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const EU = { region: 'eu' };
const LIMIT = { timeoutMs: 20_000 };

const addPoint = async (id: string, labels = {}) => (await points.add({ id, labels })).finished(LIMIT);
const persist = async (id: string, selector = {}) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { selector })).record;
const now = (id: string, ...at: string[]) => statusLine(r, vm, id, ...at);

/** A resource that is placed nowhere yet is REALIZED: this waits for the point. */
const untilRealizedAt = (id: string, point: string) =>
  eventually(async () => expect(await now(id, point)).toBe('REALIZED / REALIZED'), LIMIT);

async function work(enforcementPoint: string): Promise<string[]> {
  const calls: string[] = [];
  const worker = fixture.realization.worker({
    enforcementPoint,
    handlers: [
      on(vm, {
        realize: async ({ record }) => void calls.push(`realize ${record.id}`),
        unrealize: async ({ record }) => void calls.push(`unrealize ${record.id}`),
      }),
    ],
  });
  workers.push(worker);
  await worker.start();
  return calls;
}

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
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
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
    await eventually(
      async () => {
        const { rows } = await serviceQuery(fixture.store, 'select phase from intendant.point_rollout');
        expect(rows).toEqual([{ phase: 'settle' }]);
      },
      { timeoutMs: 20_000 },
    );
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
    await eventually(async () => expect(await now('VM2', 'eu-1')).toBe('PENDING / PENDING'), { timeoutMs: 20_000 });
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

describe('an intent that names a point', () => {
  const at = (enforcementPoints: string[], options = {}) =>
    r.persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints, ...options });
  const age = (table: string, id: string) =>
    serviceQuery(
      fixture.store,
      `update intendant.${table} set heartbeat_at = now() - interval '2 minutes' where ${id}`,
    );

  test('is accepted at any name as long as no point is registered for the table', async () => {
    expect((await at(['E1', 'whatever'])).status).toBe('PENDING');
  });

  test('that nobody registered is refused, with the name probably meant, and is accepted when that is asked for', async () => {
    await addPoint('eu-west-1');
    await addPoint('us-east-1');
    const refused = at(['eu-west-1', 'eu-wset-1']);
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_RECORD',
      message: expect.stringMatching(
        /no enforcement point "eu-wset-1"; did you mean "eu-west-1"\?.*allowUnknownPoints: true/,
      ),
      details: { table: 'vm', enforcementPoint: 'eu-wset-1', pointState: 'unregistered' },
    });
    await expect(at(['cluster'])).rejects.toThrow('the registered points are "eu-west-1", "us-east-1"');
    await expect(r.getOverallStatus(vm, 'VM1')).rejects.toThrow(RecordNotFoundError);
    expect((await at(['eu-west-1', 'eu-wset-1'], { allowUnknownPoints: true })).status).toBe('PENDING');
    expect(await now('VM1', 'eu-wset-1')).toBe('PENDING / PENDING');
    expect((await at(['eu-wset-1'])).record.revision).toBe(2);
  });

  test('that is stale is refused, unless the resource is there already', async () => {
    await addPoint('P1');
    await at(['P1']);
    await age('enforcement_point', "id = 'P1'");
    expect((await at(['P1'])).record.revision).toBe(2);
    const stale = { status: 'PENDING', isPointStale: true };
    expect((await r.statuses(vm, ['VM1'])).get('VM1')?.enforcement.get('P1')).toMatchObject(stale);
    expect((await r.list(vm))[0]?.enforcement.get('P1')).toMatchObject(stale);
    expect((await r.getOverallStatusWithEnforcementDetails(vm, 'VM1')).enforcement.get('P1')).toMatchObject(stale);
    expect((await r.detail(vm, 'VM1')).points).toMatchObject([{ pointState: 'stale' }]);
    expect((await r.points()).map(({ state }) => state)).toEqual(['stale']);
    const elsewhere = (options = {}) =>
      r.persistIntent(vm, { id: 'VM2', name: '' }, { enforcementPoints: ['P1'], ...options });
    await expect(elsewhere()).rejects.toThrow(
      /"P1" is stale: no worker has served it since 20.*allowUnknownPoints: true/,
    );
    expect((await elsewhere({ allowUnknownPoints: true })).status).toBe('PENDING');
    await points.announce({ id: 'P1' });
    expect((await r.persistIntent(vm, { id: 'VM3', name: '' }, { enforcementPoints: ['P1'] })).status).toBe('PENDING');
  });

  test('is refused in every way to persist it, also by a rule of the table', async () => {
    await addPoint('P1');
    const unknown = { enforcementPoints: ['p-one'] };
    const refusal = { code: 'INVALID_RECORD', message: expect.stringContaining('no enforcement point "p-one"') };
    await expect(r.persistIntents(vm, [{ id: 'VM1', name: '' }], unknown)).rejects.toMatchObject(refusal);
    const inside = fixture.store
      .as(pepsi)
      .transaction((tx) => fixture.realization.in(tx).persistIntent(vm, { id: 'VM1', name: '' }, unknown));
    await expect(inside).rejects.toMatchObject(refusal);
    const submitted = await r.submit.persistIntent(vm, { id: 'VM1', name: '' }, unknown);
    await expect(submitted.result(LIMIT)).rejects.toMatchObject(refusal);
    const accepted = await r.submit.persistIntent(
      vm,
      { id: 'VM1', name: '' },
      { ...unknown, allowUnknownPoints: true },
    );
    expect((await accepted.result(LIMIT)).record).toMatchObject({ id: 'VM1', revision: 1 });
  });

  test('which a worker without labels serves is accepted, also while the worker is restarted', async () => {
    await addPoint('P1');
    await work('E1');
    expect((await at(['E1'])).status).toBe('PENDING');
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    expect((await r.persistIntent(vm, { id: 'VM2', name: '' }, { enforcementPoints: ['E1'] })).status).toBe('PENDING');
    expect((await r.points()).find(({ id }) => id === 'E1')?.workers).toBe(0);
    await age('point_worker', 'true');
    await expect(r.persistIntent(vm, { id: 'VM3', name: '' }, { enforcementPoints: ['E1'] })).rejects.toThrow(
      'no enforcement point "E1"',
    );
  });
});

describe('a worker with labels', () => {
  const serve = async (labels: Labels, own = fixture): Promise<Worker> => {
    const worker = own.realization.worker({
      enforcementPoint: 'eu-1',
      labels,
      handlers: [on(vm, { realize: async () => {} })],
    });
    workers.push(worker);
    await worker.start();
    return worker;
  };

  test('announces its point, and realizes what selectors place there', async () => {
    await persist('VM1', EU);
    await serve(EU);
    await untilRealizedAt('VM1', 'eu-1');
    expect(await points.list()).toMatchObject([{ id: 'eu-1', labels: EU, tables: ['public.vm'] }]);
  });

  test('is refused while a live process announces other labels, and the labels stay as they are', async () => {
    await persist('VM1', EU);
    const first = await serve(EU);
    await untilRealizedAt('VM1', 'eu-1');
    const other = fixture.realization.points.announce({ id: 'eu-1', labels: { region: 'us' }, allowUnrealize: true });
    await expect(other).rejects.toThrow(/alive .*announces the labels \{"region":"eu"\}/);
    await expect(serve({ region: 'us' })).rejects.toMatchObject({ code: 'CONFIGURATION' });
    await expect(points.add({ id: 'eu-1', labels: { region: 'us' } })).rejects.toMatchObject({ code: 'CONFIGURATION' });
    expect((await points.list())[0]?.labels).toEqual(EU);
    expect(await now('VM1', 'eu-1')).toBe('REALIZED / REALIZED');
    await first.stop();
    await (await points.add({ id: 'eu-1', labels: { region: 'us' } })).finished(LIMIT);
    expect(await now('VM1', 'eu-1')).toBe('DELETION_PENDING / DELETION_PENDING');
  });

  test('that died does not keep others from announcing other labels; much that leaves asks for a flag', async () => {
    await serve(EU);
    for (const id of ['VM1', 'VM2']) await persist(id, EU);
    await serviceQuery(fixture.store, "update intendant.point_worker set heartbeat_at = now() - interval '1 minute'");
    const elsewhere = { id: 'eu-1', labels: { region: 'us' } };
    await expect(points.announce(elsewhere)).rejects.toThrow('2 of 2 resources there would be unrealized');
    await expect(serve(elsewhere.labels)).rejects.toThrow('allowUnrealize');
    expect((await points.list())[0]?.labels).toEqual(EU);
    await using announcement = await points.announce({ ...elsewhere, allowUnrealize: true });
    expect(announcement.point.labels).toEqual({ region: 'us' });
  });

  test('and one without are counted at their points as long as they run', async () => {
    const first = await serve(EU);
    await work('E2');
    expect((await r.points()).map(({ id, state, workers }) => `${id} ${state} ${workers}`)).toEqual([
      'E2 unregistered 1',
      'eu-1 live 1',
    ]);
    await first.stop();
    await serviceQuery(
      fixture.store,
      "update intendant.enforcement_point set heartbeat_at = now() - interval '2 minutes'",
    );
    expect((await r.points()).map(({ id, state, workers }) => `${id} ${state} ${workers}`)).toEqual([
      'E2 unregistered 1',
      'eu-1 stale 0',
    ]);
    expect((await points.list())[0]?.state).toBe('stale');
    await serve(EU);
    expect((await points.list())[0]?.state).toBe('live');
  });

  test('at a point that was removed unrealizes what is left there, and brings nothing back', async () => {
    await addPoint('eu-1', EU);
    const record = await persist('VM1', EU);
    await r.markSuccess(vm, record, 'eu-1');
    await (await points.remove('eu-1')).finished(LIMIT);
    await serve(EU);
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
    expect((await points.list())[0]?.state).toBe('removed');
  });

  test('with invalid labels is refused when it is created', () => {
    expect(() =>
      fixture.realization.worker({
        enforcementPoint: 'E1',
        labels: 'eu' as never,
        handlers: [on(vm, { realize: async () => {} })],
      }),
    ).toThrow('labels');
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
    await eventually(
      async () => expect(await now('VM1', 'eu-1', 'eu-2')).toBe('REALIZED / REALIZED / DELETION_REALIZED'),
      { timeoutMs: 20_000 },
    );
    expect(calls).toEqual(['unrealize VM1']);
    await persist('VM1', EU);
    expect(await now('VM1', 'eu-1', 'eu-2')).toBe('PENDING / PENDING / UNKNOWN');
  });

  test('lets go of resources that were placed there by name', async () => {
    await addPoint('eu-1');
    await r.persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['eu-1', 'E2'] });
    await (await points.remove('eu-1')).finished(LIMIT);
    expect(await now('VM1', 'eu-1', 'E2')).toBe('PENDING / DELETION_PENDING / PENDING');
  });

  test('by force is deleted, with its statuses and jobs', async () => {
    await addPoint('eu-1', EU);
    const record = await persist('VM1', EU);
    await (await points.remove('eu-1', { force: true })).finished(LIMIT);
    expect(await now('VM1', 'eu-1')).toBe('REALIZED / UNKNOWN');
    const { rows } = await serviceQuery(fixture.store, 'select count(*)::int as jobs from intendant_jobs.job');
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
    const worker = fixture.realization.worker({
      enforcementPoint: 'eu-1',
      handlers: [
        on(vm, {
          realize: async () => {
            started.open();
            await release.opened;
            calls.push('realized');
          },
          unrealize: async () => void calls.push('unrealized'),
        }),
      ],
    });
    workers.push(worker);
    await worker.start();
    await persist('VM1', EU);
    await started.opened;
    await (await points.remove('eu-1')).finished(LIMIT);
    release.open();
    await eventually(async () => expect(await now('VM1', 'eu-1')).toBe('REALIZED / DELETION_REALIZED'), {
      timeoutMs: 20_000,
    });
    expect(calls).toEqual(['realized', 'unrealized']);
  });
});
