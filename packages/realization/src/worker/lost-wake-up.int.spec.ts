import { setTimeout as delay } from 'node:timers/promises';
import { TransactionConflictError } from '@intendant/core';
import { type DataStoreInternals, internalsOf, type StatementResult } from '@intendant/core/internal';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import pg from 'pg';
import { expect, test } from 'vitest';
import { STATUS_WEIGHTS } from '../status/status.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { beginWithoutLock } from '../testing/lockless.ts';
import { killed, startProcess } from '../testing/processes.ts';
import { randomFrom } from '../testing/random.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { gate, untilWaitingForLock } from '../testing/waiting.ts';
import { on } from './handler.ts';

/*
 * A send that is absorbed by a waiting job locks nothing. A worker that claims that job and reads before the sender has
 * committed finds nothing to do, and takes the only job of the new revision off the queue. Reading behind the lock is
 * what prevents it; without, the same tests must find resources that are stuck.
 */

const ROUNDS = atScale(150, 100_000);
const POINT = 'E1';

/**
 * A job for what is realized already, as a second intent leaves it that the first's attempt took care of. It absorbs
 * others at once, and is claimed a moment later.
 */
const addJob = (admin: pg.Pool, id: string, dueInMs: number) =>
  withTransaction(admin, async (client) => {
    await client.query("select intendant.enqueue_jobs('public', 'vm', $1, $2, $3, 0)", [
      [POINT],
      [JSON.stringify(['Pepsi', id])],
      ['Pepsi'],
    ]);
    await client.query(
      "update intendant_jobs.job_common set start_after = clock_timestamp() + $2 * interval '1 ms' where singleton_key = $1 and state = 'created'",
      [`Pepsi/${id}`, dueInMs],
    );
  });

async function withTransaction(pool: pg.Pool, run: (client: pg.ClientBase) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await run(client);
    await client.query('commit');
  } finally {
    client.release();
  }
}

const jobsLeft = async (fixture: Fixture): Promise<number> =>
  (await serviceQuery(fixture.store, 'select count(*)::int as jobs from intendant_jobs.job')).rows[0].jobs;

async function startWorker(fixture: Fixture): Promise<void> {
  const worker = fixture.realization.worker({
    enforcementPoint: POINT,
    handlers: [on(vm, { realize: async () => {} })],
    pollIntervalMs: 20,
    sweepIntervalMs: 86_400_000,
  });
  await worker.start();
}

/** Resolves when a worker of this store has claimed a job, and has read what is wanted or found it locked. */
function firstClaim({ executor }: DataStoreInternals): Promise<void> {
  const claimed = gate();
  const run = executor.run.bind(executor);
  executor.run = async (scope, statements, options) => {
    const answers = await run(scope, statements, options);
    const { claim } = answers as { claim?: StatementResult };
    if (claim && claim.rows[0]?.[0] !== '') claimed.open();
    return answers;
  };
  return claimed.opened;
}

/** The job waits, its send is not committed, and the worker comes in between: is the new revision realized? */
async function statusAfterAbsorbedSend(fixture: Fixture): Promise<string> {
  const r = fixture.realization.as(pepsi);
  const { record } = await r.persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints: [POINT] });
  await r.markSuccess(vm, record, POINT);
  const absorbed = gate();
  const commit = gate();
  const sending = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).persistIntent(vm, { ...record, name: 'two' }, { enforcementPoints: [POINT] });
    absorbed.open();
    await commit.opened;
  });
  await absorbed.opened;
  const claimed = firstClaim(internalsOf(fixture.store));
  await startWorker(fixture);
  await claimed;
  commit.open();
  await sending;
  await eventually(async () => expect(await jobsLeft(fixture)).toBe(0));
  return r.getOverallStatus(vm, 'VM1');
}

test('an intent whose job was claimed before it committed is realized', async () => {
  await using fixture = await openFixture();
  expect(await statusAfterAbsorbedSend(fixture)).toBe('REALIZED');
});

test('the same intent is stuck when the worker reads without the lock', async () => {
  await using fixture = await openFixture();
  await beginWithoutLock(fixture.adminUrl);
  expect(await statusAfterAbsorbedSend(fixture)).not.toBe('REALIZED');
});

test('an intent for what was purged, whose job was left and claimed before it committed, is realized and nothing else', async () => {
  await using fixture = await openFixture();
  const r = fixture.realization.as(pepsi);
  await r.persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints: [POINT] });
  await r.purge(vm, 'VM1');
  expect(await jobsLeft(fixture)).toBe(1);
  const absorbed = gate();
  const commit = gate();
  const sending = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).persistIntent(vm, { id: 'VM1', name: 'two' }, { enforcementPoints: [POINT] });
    absorbed.open();
    await commit.opened;
  });
  await absorbed.opened;
  const calls: string[] = [];
  const worker = fixture.realization.worker({
    enforcementPoint: POINT,
    handlers: [
      on(vm, {
        realize: async ({ record }) => void calls.push(`realize ${record.name}`),
        unrealize: async () => void calls.push('unrealize'),
      }),
    ],
    sweepIntervalMs: 86_400_000,
  });
  await worker.start();
  await untilWaitingForLock(fixture.store);
  commit.open();
  await sending;
  await r.waitFor(vm, 'VM1', { status: 'REALIZED', timeoutMs: 20_000 });
  expect(calls).toEqual(['realize two']);
});

const RANDOM_LIMIT_MS = atScale(120_000, 3_600_000);
const SENDERS = atScale(8, 32);
const IDS = Array.from({ length: atScale(60, 240) }, (_, index) => `VM${index}`);

/** In one snapshot: those of these (null: of all) that are not realized, and that no job will realize. */
const STUCK = `
  select o.id from overall_status_vm o
  where ($1::text[] is null or o.id = any ($1)) and o.realization_status <> ${STATUS_WEIGHTS.REALIZED}
    and not exists (select from intendant_jobs.job_common j where j.singleton_key = 'Pepsi/' || o.id)`;

/** Starts two worker processes, and kills one of them every second until `ended` resolves. Another takes its place. */
async function killWorkersUntil(ended: Promise<unknown>, fixture: Fixture): Promise<number> {
  const start = () => startProcess('./worker-process.ts', fixture, { POINTS: POINT, LEASE_MS: '1500', POLL_MS: '20' });
  const workers = await Promise.all([start(), start()]);
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  ended.then(end, end);
  let kills = 0;
  while (!isOver) {
    await Promise.race([ended, delay(1000)]);
    const victim = workers.shift();
    if (!victim) break;
    await killed(victim);
    kills++;
    workers.push(await start());
  }
  await eventually(async () => expect(await jobsLeft(fixture)).toBe(0), { timeoutMs: 60_000 });
  for (const worker of workers) await killed(worker);
  return kills;
}

interface Run {
  readonly rounds: number;
  /** Workers read without the lock. The first resource that is stuck ends the run. */
  readonly isLockless: boolean;
}

/**
 * Random intents, whose transactions stay open for a moment, and random claims. Returns the resources that had no job and
 * were not realized when the next intent for them came, or in the end.
 */
async function stuckAtRandom(fixture: Fixture, { rounds, isLockless }: Run): Promise<Set<string>> {
  const seed = Math.floor(Math.random() * 1e9);
  const random = randomFrom(seed);
  const admin = new pg.Pool({ connectionString: fixture.adminUrl, max: SENDERS });
  const stuck = new Set<string>();
  const check = async (ids: readonly string[] | null) => {
    for (const { id } of (await admin.query(STUCK, [ids])).rows) stuck.add(id);
  };
  const send = async (number: number): Promise<void> => {
    // Also resources that do not exist yet: they have no row to lock if a job comes before the intent.
    const id = random() < 0.2 ? `new-${number}` : (IDS[Math.floor(random() * IDS.length)] as string);
    await check([id]);
    if (random() < 0.7) await addJob(admin, id, random() * 15);
    await fixture.store.as(pepsi).transaction(async (tx) => {
      await fixture.realization.in(tx).persistIntent(vm, { id, name: `${random()}` }, { enforcementPoints: [POINT] });
      await delay(random() * 10);
    });
  };
  let round = 0;
  const sender = async (): Promise<void> => {
    while (round++ < rounds && (!isLockless || stuck.size === 0)) {
      await send(round).catch((error: unknown) => {
        // Without the lock, writers get into each other's way, too.
        if (!isLockless || !(error instanceof TransactionConflictError)) throw error;
      });
    }
  };
  const sending = Promise.all(Array.from({ length: SENDERS }, sender));
  const kills = isLockless ? 0 : await killWorkersUntil(sending, fixture);
  await sending;
  await check(null);
  await admin.end();
  if (isSoak) console.info({ rounds, kills, seed, stuck: stuck.size, isLockless });
  return stuck;
}

test(
  'random intents and claims, with workers killed meanwhile, leave nothing stuck',
  async () => {
    await using fixture = await openFixture({ poolSize: SENDERS });
    expect(await stuckAtRandom(fixture, { rounds: ROUNDS, isLockless: false })).toEqual(new Set());
  },
  RANDOM_LIMIT_MS,
);

test(
  'the same test does find resources that are stuck when workers read without the lock',
  async () => {
    await using fixture = await openFixture({ poolSize: SENDERS + 4 });
    await beginWithoutLock(fixture.adminUrl);
    await startWorker(fixture);
    const stuck = await stuckAtRandom(fixture, { rounds: 20 * ROUNDS, isLockless: true });
    expect(stuck.size).toBeGreaterThan(0);
  },
  RANDOM_LIMIT_MS,
);
