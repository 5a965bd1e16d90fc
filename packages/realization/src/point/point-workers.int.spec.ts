import { RecordNotFoundError } from '@intendant/core';
import { describe, expect, test } from 'vitest';
import { type Labels, on } from '../index.ts';
import { pepsi, vm } from '../testing/fixture.ts';
import { EU, openPointsSuite } from '../testing/points-suite.ts';
import { LIMIT } from '../testing/suite.ts';

const { fixture, r, workers, points, query, addPoint, persist, now, untilStatus, untilRealizedAt, work } =
  await openPointsSuite();

describe('an intent that names a point', () => {
  const at = (enforcementPoints: string[], options = {}) =>
    r.persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints, ...options });
  const age = (table: string, id: string) =>
    query(`update intendant.${table} set heartbeat_at = now() - interval '2 minutes' where ${id}`);

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
    await workers.stop();
    expect((await r.persistIntent(vm, { id: 'VM2', name: '' }, { enforcementPoints: ['E1'] })).status).toBe('PENDING');
    expect((await r.points()).find(({ id }) => id === 'E1')?.workers).toBe(0);
    await age('point_worker', 'true');
    await expect(r.persistIntent(vm, { id: 'VM3', name: '' }, { enforcementPoints: ['E1'] })).rejects.toThrow(
      'no enforcement point "E1"',
    );
  });
});

describe('a worker with labels', () => {
  const serve = (labels: Labels) => workers.work('eu-1', {}, { labels });

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
    await query("update intendant.point_worker set heartbeat_at = now() - interval '1 minute'");
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
    await query("update intendant.enforcement_point set heartbeat_at = now() - interval '2 minutes'");
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
    await untilStatus('VM1', 'REALIZED');
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
