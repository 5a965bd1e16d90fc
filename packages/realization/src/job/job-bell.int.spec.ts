import { createDataStore } from '@intendant/core';
import { eventually, startPgBouncer, type TestDatabase, whyNoPgBouncer } from '@intendant/devdb/testing';
import type { Subscriptions } from '@intendant/subscription';
import { internalsOf } from '@intendant/subscription/internal';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRealization, on, type Realization, type Worker } from '../index.ts';
import { type Fixture, onTestServer, openFixture, pepsi, ROLES, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { JOB_BELL_CHANNEL } from './job-bell.ts';

/*
 * The workers of these tests have no feed: only the bell or their own poll wakes them.
 */

const LIMIT = { timeoutMs: 20_000 };
/** Longer than a test may take: a worker that does something in time was woken. */
const NEVER_MS = 600_000;

let fixture: Fixture;
let ear: pg.Client;
let heard: string[] = [];
const attempted = new Set<string>();
let worker: Worker | undefined;

beforeAll(async () => {
  fixture = await openFixture();
  makeDeaf(fixture.subscriptions);
  ear = new pg.Client(fixture.adminUrl);
  await ear.connect();
  ear.on('notification', ({ payload = '' }) => heard.push(payload));
  await ear.query(`listen ${JOB_BELL_CHANNEL}`);
});
beforeEach(() => {
  heard = [];
});
afterEach(async () => {
  await worker?.stop();
});
afterAll(async () => {
  await ear?.end();
  await fixture?.[Symbol.asyncDispose]();
});

function makeDeaf(subscriptions: Subscriptions): void {
  internalsOf(subscriptions).onSettledChanges = async () => () => {};
}

async function startWorker(enforcementPoint: string, pollIntervalMs: number, realization: Realization): Promise<void> {
  const handlers = [on(vm, { realize: async ({ record }) => void attempted.add(record.id) })];
  worker = realization.worker({ enforcementPoint, pollIntervalMs, handlers });
  await worker.start();
}

const databaseOf = ({ url }: Fixture): TestDatabase => ({ url, name: new URL(url).pathname.slice(1) }) as TestDatabase;

/** Resolves when the bell of this point is armed. */
const asleep = (point: string): Promise<void> =>
  eventually(async () => {
    const { rows } = await serviceQuery(
      fixture.store,
      'select from intendant.job_bell where queue = $1 and rings_until > clock_timestamp()',
      [`public/vm/${point}`],
    );
    expect(rows).toHaveLength(1);
  }, LIMIT);

/** Resolves with the server process that listens for workers. */
const listening = (): Promise<number> =>
  eventually(async () => {
    const { rows } = await ear.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'intendant workers' and query like '%listen %' and state = 'idle'`,
    );
    expect(rows).toHaveLength(1);
    return rows[0]?.pid as number;
  }, LIMIT);

async function realized(id: string, point: string): Promise<void> {
  await fixture.realization.as(pepsi).persistIntent(vm, { id, name: 'one' }, { enforcementPoints: [point] });
  await eventually(() => expect(attempted).toContain(id), LIMIT);
}

test('a sleeping worker is woken by a job, and by nothing else', async () => {
  await startWorker('E1', NEVER_MS, fixture.realization);
  await listening();
  await asleep('E1');
  await realized('VM1', 'E1');
  expect(heard).toEqual(['public/vm/E1']);
});

test('nothing is notified of a job for which no worker sleeps', async () => {
  await fixture.realization.as(pepsi).persistIntent(vm, { id: 'VM2', name: '' }, { enforcementPoints: ['E2'] });
  await ear.query(`notify ${JOB_BELL_CHANNEL}, 'the end'`);
  await eventually(() => expect(heard).toContain('the end'), LIMIT);
  expect(heard).toEqual(['the end']);
});

test('a worker listens again after its connection was lost', async () => {
  await startWorker('E3', NEVER_MS, fixture.realization);
  const lost = await listening();
  await ear.query('select pg_terminate_backend($1::int)', [lost]);
  await eventually(async () => expect(await listening()).not.toBe(lost), LIMIT);
  await asleep('E3');
  await realized('VM3', 'E3');
});

const reason = whyNoPgBouncer();
test.skipIf(reason)(`a worker behind a pooler polls${reason ? ` (skipped: ${reason})` : ''}`, async () => {
  await using pooler = await startPgBouncer(databaseOf(fixture));
  await using store = await createDataStore({
    ...onTestServer,
    connection: pooler.url,
    adminConnection: fixture.adminUrl,
    pool: { namedStatements: false },
  });
  await using realization = await createRealization({ store, subscriptions: fixture.subscriptions });
  await realization.register([vm], { roles: ROLES });
  await startWorker('E4', 50, realization);
  await asleep('E4');
  await realized('VM4', 'E4');
  await worker?.stop();
});
