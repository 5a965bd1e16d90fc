import { internalsOf } from '@intendant/core/internal';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, openFixture } from '../testing/fixture.ts';
import { killed, startProcess } from '../testing/processes.ts';

const RESOURCES = atScale(800, 100_000);
/** Of other places: what a rollout passes over. */
const OTHERS = RESOURCES / 10;
const LIMIT = { timeoutMs: 60_000 + RESOURCES * 5 };
const TEST_MS = 2 * LIMIT.timeoutMs;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture();
  await fillWithResources();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const query = async (text: string, values: unknown[] = []) =>
  (await internalsOf(fixture.store).withAdmin((client) => client.query(text, values))).rows;

async function fillWithResources(): Promise<void> {
  await query(
    `insert into public.vm (org_id, id, name) select 'org ' || n % 50, 'VM' || n, '' from generate_series(1, $1::int) n`,
    [RESOURCES + OTHERS],
  );
  await query(
    `insert into public.overall_status_vm (org_id, id, realization_status, additional_details, resource_revision, placement_selector)
     select org_id, id, 800, '', 1, jsonb_build_object('region', case when substr(id, 3)::int <= $1 then 'eu' else 'us' end) from public.vm`,
    [RESOURCES],
  );
}

/** How many resources have which status at the point, overall, and a job there. */
const census = async () =>
  (
    await query(`
    select count(*)::int as rows, count(*) filter (where e.realization_status = 800)::int as pending,
      count(*) filter (where e.realization_status = 400 and e.is_removal)::int as leaving,
      (select count(*)::int from intendant_jobs.job) as jobs,
      (select count(*)::int from public.overall_status_vm o where o.realization_status = 800) as "overallPending"
    from public.enforcement_status_vm e where e.enforcement_point_id = 'E1'`)
  )[0];

/** Kills a process that carries the change out once it has come some way, and lets this one go on. */
async function changeAndKill(change: 'add' | 'remove'): Promise<{ doneAtKill: number; total: number }> {
  await fixture.realization.maintenance.stop();
  const child = await startProcess('./rollout-process.ts', fixture, { CHANGE: change });
  const rollout = fixture.realization.points.rollout('E1');
  await eventually(async () => expect((await rollout.progress()).done).toBeGreaterThan(0), {
    timeoutMs: 60_000,
    intervalMs: 2,
  });
  await killed(child);
  const { done: doneAtKill } = await rollout.progress();
  const startedAt = performance.now();
  fixture.realization.maintenance.start();
  const { total, done } = await rollout.finished(LIMIT);
  expect(done).toBe(total);
  const seconds = (performance.now() - startedAt) / 1000;
  if (isSoak)
    console.info({ change, resources: RESOURCES, doneAtKill, perSecond: Math.round((done - doneAtKill) / seconds) });
  return { doneAtKill, total };
}

test(
  'a point added gets every matching resource although the process that gives them is killed in the middle',
  async () => {
    const { doneAtKill, total } = await changeAndKill('add');
    expect(doneAtKill).toBeGreaterThan(0);
    expect(total).toBe(RESOURCES);
    expect(await census()).toEqual({
      rows: RESOURCES,
      pending: RESOURCES,
      leaving: 0,
      jobs: RESOURCES,
      overallPending: RESOURCES + OTHERS,
    });
  },
  TEST_MS,
);

test(
  'a point removed has everything set to be unrealized, although the process that does it is killed in the middle',
  async () => {
    const { doneAtKill, total } = await changeAndKill('remove');
    expect(doneAtKill).toBeGreaterThan(0);
    expect(total).toBe(RESOURCES);
    expect(await census()).toMatchObject({ rows: RESOURCES, pending: 0, leaving: RESOURCES, jobs: RESOURCES });
  },
  TEST_MS,
);
