import { setTimeout as delay } from 'node:timers/promises';
import { internalsOf } from '@intendant/core/internal';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { createRealization } from '../realization.ts';
import { ROLES, vm } from '../testing/fixture.ts';
import { openSuite, soon } from '../testing/suite.ts';
import { gate } from '../testing/waiting.ts';
import { Workers } from '../testing/workers.ts';
import type { AttemptAborted } from './attempt.ts';

const { fixture, r, workers, persist, persistMany, untilStatus, detailsOf } = await openSuite();

/** Rejects as soon as its signal aborts, as handlers should. */
const obedient = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('at most `concurrency` attempts run at a time', async () => {
  let running = 0;
  let most = 0;
  let done = 0;
  const threeRun = gate();
  await persistMany(20);
  await workers.work(
    'E1',
    {
      realize: async () => {
        most = Math.max(most, ++running);
        if (running === 3) threeRun.open();
        await threeRun.opened;
        await new Promise(setImmediate);
        running--;
        done++;
      },
    },
    { concurrency: 3 },
  );
  await soon(() => expect(done).toBe(20));
  expect(most).toBe(3);
});

test('at most as many attempts begin in a time as the rate limit allows', async () => {
  const begun: number[] = [];
  await persistMany(12);
  const startedAt = performance.now();
  await workers.work(
    'E1',
    { realize: async () => void begun.push(performance.now()) },
    { rateLimit: { attempts: 4, intervalMs: 200 } },
  );
  await soon(() => expect(begun).toHaveLength(12));
  // Four may begin at once, and then one each 50 ms. A busy machine only makes it later.
  expect(Math.max(...begun) - startedAt).toBeGreaterThan(399);
});

test('an attempt is aborted when a newer revision arrives, if that is wanted, and the newer one is realized', async () => {
  const reasons: unknown[] = [];
  const started = gate();
  await workers.work(
    'E1',
    {
      realize: async ({ revision }, { signal }) => {
        if (revision > 1) return;
        started.open();
        await obedient(signal).finally(() => reasons.push((signal.reason as AttemptAborted).reason));
      },
    },
    { abortOnNewerRevision: true },
  );
  const record = await persist('VM1');
  await started.opened;
  await r.persistIntent(vm, record);
  await untilStatus('VM1', 'REALIZED', 2);
  expect(reasons).toEqual(['newer-revision']);
  expect((await detailsOf('VM1'))?.additionalDetails).toBe('');
});

test('an attempt goes on when only others’ revisions arrive', async () => {
  const started = gate();
  const held = gate();
  const aborted: unknown[] = [];
  await workers.work(
    'E1',
    {
      realize: async ({ record }, { signal }) => {
        if (record.id !== 'VM1') return;
        signal.addEventListener('abort', () => aborted.push(signal.reason));
        started.open();
        await held.opened;
      },
    },
    { abortOnNewerRevision: true },
  );
  await persist('VM1');
  await started.opened;
  await persist('VM2');
  await untilStatus('VM2', 'REALIZED');
  held.open();
  await untilStatus('VM1', 'REALIZED');
  expect(aborted).toEqual([]);
});

test('without a feed a worker still gets intents, due retries and newer revisions', async () => {
  await using deaf = await createRealization({ store: fixture.store, subscriptions: undefined });
  await deaf.register([vm], { roles: ROLES });
  const deafWorkers = new Workers(deaf);
  const attempts: string[] = [];
  await deafWorkers.work(
    'E1',
    {
      realize: async ({ revision, attempt }, { signal }) => {
        attempts.push(`${revision}.${attempt}`);
        if (attempt === 1 && revision === 1) throw new Error('no capacity');
        if (revision === 1) await obedient(signal);
      },
    },
    { abortOnNewerRevision: true },
  );
  const record = await persist('VM1');
  await soon(() => expect(attempts).toEqual(['1.1', '1.2']));
  await r.persistIntent(vm, record);
  await untilStatus('VM1', 'REALIZED', 2);
  expect(attempts).toEqual(['1.1', '1.2', expect.stringMatching(/^2/)]);
  await deafWorkers.stop();
});

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

const persistQuiet = (id: string) => quiet().persistIntent(vm, { id, name: 'one' }, { enforcementPoints: [POINT] });

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
    await persistQuiet(id);
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
    await persistQuiet(id);
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
