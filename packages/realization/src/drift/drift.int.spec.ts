import { eventually } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Handlers, type Observation, on, type RealizationSession, type Worker } from '../index.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { statusLine } from '../testing/statuses.ts';

let fixture: Fixture;
let r: RealizationSession;
const workers: Worker[] = [];
beforeAll(async () => {
  fixture = await openFixture();
  r = fixture.realization.as(pepsi);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await fixture.empty();
  await serviceQuery(fixture.store, 'delete from intendant.resync');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMIT = { timeoutMs: 20_000 };

/** A place where things are, and can go astray behind everybody's back. */
class Place {
  readonly there = new Map<string, string>();
  readonly calls: string[] = [];
  observe: Handlers<typeof vm>['observe'] = async ({ record }): Promise<Observation> => {
    const found = this.there.get(record.id);
    return found === undefined ? 'missing' : found === record.name ? 'realized' : 'drifted';
  };

  async serve(resyncEveryMs = 50): Promise<void> {
    const worker = fixture.realization.worker({
      enforcementPoint: 'E1',
      resyncEveryMs,
      pollIntervalMs: 50,
      handlers: [
        on(vm, {
          realize: async ({ record, attempt }) => {
            this.calls.push(`realize ${record.id}, attempt ${attempt}`);
            this.there.set(record.id, record.name);
          },
          unrealize: async ({ record }) => void this.there.delete(record.id),
          observe: async (intent, context) => this.observe?.(intent, context) as Promise<Observation>,
        }),
      ],
    });
    workers.push(worker);
    await worker.start();
  }
}

const persist = async (id: string) => {
  const { record } = await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] });
  await r.waitFor(vm, id, { status: 'REALIZED', ...LIMIT });
  return record;
};

test('drifted and missing resources are found, realized again and counted', async () => {
  const place = new Place();
  await place.serve();
  await persist('VM1');
  await persist('VM2');
  await persist('VM3');
  place.there.set('VM1', 'tampered with');
  place.there.delete('VM2');
  await eventually(
    () =>
      expect([...place.there].sort()).toEqual([
        ['VM1', 'one'],
        ['VM2', 'one'],
        ['VM3', 'one'],
      ]),
    LIMIT,
  );
  for (const id of ['VM1', 'VM2', 'VM3']) await r.waitFor(vm, id, { status: 'REALIZED', ...LIMIT });
  expect(place.calls.filter((call) => call.includes('VM3'))).toEqual(['realize VM3, attempt 1']);
  const again = await r.history(vm, 'VM1');
  expect(again.slice(0, 3).map(({ status }) => status)).toEqual(['REALIZED', 'IN_PROGRESS', 'PENDING']);
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  const [report] = await fixture.realization.drift();
  expect(report).toMatchObject({ table: 'public.vm', enforcementPoint: 'E1', drifted: 1, missing: 1, failed: 0 });
  expect(report?.realized).toBeGreaterThan(0);
  expect(report?.lastCheckedAt).toBeInstanceOf(Date);
  expect(report?.lastDriftAt).toBeInstanceOf(Date);
});

test('a failed check leaves the resource REALIZED, and is counted', async () => {
  const place = new Place();
  const answers = [() => Promise.reject(new Error('the line is dead')), async () => 'perhaps' as never];
  let observations = 0;
  place.observe = () => {
    observations++;
    return (answers.shift() ?? (async () => 'realized' as const))();
  };
  await place.serve();
  await persist('VM1');
  await eventually(() => expect(observations).toBeGreaterThan(2), LIMIT);
  expect(await statusLine(r, vm, 'VM1', 'E1')).toBe('REALIZED / REALIZED');
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  expect((await fixture.realization.drift())[0]).toMatchObject({ failed: 2, drifted: 0 });
  expect(place.calls).toEqual(['realize VM1, attempt 1']);
});

test('resources that are being deleted are not checked, and a check of an older intent does not undo a newer one', async () => {
  const place = new Place();
  await place.serve();
  const record = await persist('VM1');
  const seen: number[] = [];
  place.observe = async ({ revision }) => {
    seen.push(revision);
    if (revision === 1) await r.persistIntent(vm, { ...record, name: 'two' }, { enforcementPoints: ['E1'] });
    return revision === 1 ? 'drifted' : 'realized';
  };
  await r.waitFor(vm, 'VM1', { status: 'REALIZED', revision: 2, ...LIMIT });
  await eventually(() => expect(seen).toContain(2), LIMIT);
  expect(place.there.get('VM1')).toBe('two');
  await r.softDelete(vm, 'VM1');
  await r.waitFor(vm, 'VM1', { status: 'DELETION_REALIZED', ...LIMIT });
  expect(place.there.size).toBe(0);
});

test('a round is spread over its time', async () => {
  const place = new Place();
  let observations = 0;
  place.observe = async () => {
    observations++;
    return 'realized';
  };
  await place.serve(3_600_000);
  for (let index = 0; index < 5; index++) await persist(`VM${index}`);
  await eventually(
    async () => {
      const { rows } = await serviceQuery(fixture.store, 'select next_at - now() as rest from intendant.resync');
      expect(rows).toHaveLength(1);
    },
    { timeoutMs: 20_000 },
  );
  await serviceQuery(fixture.store, 'update intendant.resync set next_at = now()');
  await eventually(() => expect(observations).toBeGreaterThan(0), LIMIT);
  expect(observations).toBeLessThan(5);
  await eventually(async () => {
    const { rows } = await serviceQuery(
      fixture.store,
      'select extract(epoch from next_at - now())::float8 as seconds from intendant.resync',
    );
    expect(rows[0].seconds).toBeGreaterThan(600);
  }, LIMIT);
});
