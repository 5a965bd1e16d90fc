import { setTimeout as delay } from 'node:timers/promises';
import { internalsOf } from '@intendant/core/internal';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Fixture, openFixture, vm } from '../testing/fixture.ts';
import { Workers } from '../testing/workers.ts';

let fixture: Fixture;
let workers: Workers;
beforeAll(async () => {
  fixture = await openFixture();
  workers = new Workers(fixture.realization);
});
afterEach(async () => {
  await workers.stop();
  await fixture.empty();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const POINT = 'E1';
const CONCURRENCY = 16;
const BACKLOG = atScale(5_000, 100_000);
const INTENTS = atScale(10, 200);
const LIMIT_MS = 60_000;

/** Intents of one tenant that are not realized yet, as persistIntent stores them. */
const fill = (orgId: string, count: number): Promise<void> =>
  internalsOf(fixture.store).withAdmin(async (client) => {
    const ids = `generate_series(1, ${count}) as i`;
    await client.query(`insert into public.vm (org_id, id, name) select '${orgId}', 'vm-' || i, 'one' from ${ids}`);
    await client.query(
      `insert into public.overall_status_vm (org_id, id, realization_status, additional_details, resource_revision)
       select '${orgId}', 'vm-' || i, 800, '', 1 from ${ids}`,
    );
    await client.query(
      `insert into public.enforcement_status_vm
         (org_id, id, enforcement_point_id, realization_status, additional_details, resource_revision, is_removal)
       select '${orgId}', 'vm-' || i, '${POINT}', 800, '', 1, false from ${ids}`,
    );
    await client.query(
      `select intendant.enqueue_jobs('public', 'vm', array_agg('${POINT}'::text),
         array_agg(jsonb_build_array('${orgId}', 'vm-' || i)), array_agg('${orgId}'::text), 0) from ${ids}`,
    );
  });

const quiet = () => fixture.realization.as({ orgId: 'Quiet', roles: ['tenant_admin'] });
const persist = (id: string) => quiet().persistIntent(vm, { id, name: 'one' }, { enforcementPoints: [POINT] });

test('a tenant with a long backlog delays another’s single intent by no more than a few batches', async () => {
  await fill('Noisy', BACKLOG);
  let noisyBegun = 0;
  const begunBefore = new Map<string, number>();
  await workers.work(
    POINT,
    {
      realize: async ({ orgId, record }) => {
        if (orgId === 'Quiet') begunBefore.set(record.id, noisyBegun);
        else noisyBegun++;
        await delay(1);
      },
    },
    { concurrency: CONCURRENCY },
  );
  await eventually(() => expect(noisyBegun).toBeGreaterThan(CONCURRENCY), { timeoutMs: LIMIT_MS });
  const delays: number[] = [];
  for (let index = 0; index < INTENTS; index++) {
    const id = `quiet-${index}`;
    await persist(id);
    const begun = noisyBegun;
    await eventually(() => expect(begunBefore.has(id)).toBe(true), { timeoutMs: LIMIT_MS, intervalMs: 2 });
    delays.push((begunBefore.get(id) as number) - begun);
  }
  expect(noisyBegun, 'the backlog outlasted the test').toBeLessThan(BACKLOG);
  expect(Math.max(...delays)).toBeLessThanOrEqual(4 * CONCURRENCY);
});

/** From the intent's commit until its handler has returned, and the slowest but one in a hundred of that. */
async function p99(count: number, ended: ReadonlyMap<string, number>, name: string): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const id = `${name}-${index}`;
    const startedAt = performance.now();
    await persist(id);
    await eventually(() => expect(ended.has(id)).toBe(true), { timeoutMs: LIMIT_MS, intervalMs: 1 });
    times.push((ended.get(id) as number) - startedAt);
    await delay(Math.random() * 30);
  }
  return times.toSorted((left, right) => left - right)[Math.ceil(count * 0.99) - 1] as number;
}

test.runIf(isSoak)('a noisy tenant less than doubles a quiet one’s p99', async () => {
  const ended = new Map<string, number>();
  await workers.work(
    POINT,
    {
      realize: async ({ orgId, record }) => {
        await delay(50);
        if (orgId === 'Quiet') ended.set(record.id, performance.now());
      },
    },
    { concurrency: CONCURRENCY },
  );
  const alone = await p99(INTENTS, ended, 'alone');
  await fill('Noisy', BACKLOG);
  const besideNoise = await p99(INTENTS, ended, 'beside');
  console.info({ alone, besideNoise });
  expect(besideNoise / alone).toBeLessThan(2);
});
