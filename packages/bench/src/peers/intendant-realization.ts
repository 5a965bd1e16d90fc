import { setTimeout as delay } from 'node:timers/promises';
import { createDataStore, type DataStore } from '@intendant/core';
import { createRealization, on, type Realization, STATUS_WEIGHTS } from '@intendant/realization';
import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { loadFor, measured } from '../contestant/load.ts';
import { benchTable, orgOf, ROLE_MAPPING, TENANT_ROLES } from '../database/bench-table.ts';
import { eachOf } from './each-of.ts';
import { POOL_SIZE } from './tenant-store.ts';

const resource = benchTable('bench_resource');
/** The same, with a trigger that notifies for each row: what the design avoids. */
const notifyingResource = benchTable('bench_notifying_resource');
const POINT = 'E1';
const CALLERS = 32;
const CONCURRENCY = 64;
const MEGABYTE = 1_000_000;

/** Ours: intents, jobs, a worker that does nothing, and statuses that are true. */
export async function open({ url, adminUrl }: ContestantOptions): Promise<Contestant> {
  const store = await createDataStore({ connection: url, adminConnection: adminUrl, pool: { max: POOL_SIZE + 8 } });
  const realization = await createRealization({ store, subscriptions: undefined });
  await realization.register([resource, notifyingResource], { roles: ROLE_MAPPING });
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(NOTIFY_TRIGGER);
  return {
    run: (workload) => runOperation(realization, admin, workload),
    close: () => close(realization, store, admin),
  };
}

async function close(realization: Realization, store: DataStore, admin: pg.Client): Promise<void> {
  await realization.close();
  await store.close();
  await admin.end();
}

function runOperation(realization: Realization, admin: pg.Client, workload: Workload): Promise<Measurement> {
  if (workload.operation === 'realize') return realize(realization, admin, workload);
  if (workload.operation === 'waiting-jobs-memory') return waitingJobsMemory(realization, workload);
  const table = workload.operation === 'intent-notify' ? notifyingResource : resource;
  return loadFor(workload.clients, workload.durationMs, () => persist(realization, workload, table));
}

let count = 0;
async function persist(realization: Realization, { tenants }: Workload, table = resource): Promise<undefined> {
  const number = count++;
  const session = realization.as({ orgId: orgOf(number % tenants), roles: TENANT_ROLES });
  const record = { id: `r-${process.pid}-${number}`, name: 'a machine', region: 'us-west-1', cpus: 4 };
  await session.persistIntent(table, record, { enforcementPoints: [POINT] });
}

/** From the first intent until the database says REALIZED for the last, with the worker running. */
async function realize(realization: Realization, admin: pg.Client, workload: Workload): Promise<Measurement> {
  await admin.query('truncate bench_resource, overall_status_bench_resource, enforcement_status_bench_resource');
  await admin.query('delete from intendant_jobs.job');
  await using worker = disposable(realization, async () => {});
  await worker.start();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await eachOf(workload.size, CALLERS, () => persist(realization, workload));
  while (!(await isAllRealized(admin, workload.size))) await delay(5);
  return measured(workload.size, startedAt, cpu);
}

async function isAllRealized(admin: pg.Client, expected: number): Promise<boolean> {
  const { rows } = await admin.query<{ realized: number }>({
    name: 'realized',
    text: 'select count(*)::int as realized from overall_status_bench_resource where realization_status = $1',
    values: [STATUS_WEIGHTS.REALIZED],
  });
  return rows[0]?.realized === expected;
}

/** Megabytes this process holds while the worker is busy and this many jobs wait. */
async function waitingJobsMemory(realization: Realization, workload: Workload): Promise<Measurement> {
  const busy = Promise.withResolvers<void>();
  await eachOf(workload.size, CALLERS, () => persist(realization, workload));
  const begun = Promise.withResolvers<void>();
  const worker = disposable(realization, () => {
    begun.resolve();
    return busy.promise;
  });
  await worker.start();
  await begun.promise;
  await delay(workload.durationMs);
  const value = process.memoryUsage.rss() / MEGABYTE;
  busy.resolve();
  await worker[Symbol.asyncDispose]();
  return { value, cpuMicros: 0 };
}

function disposable(realization: Realization, handler: () => Promise<void>) {
  const worker = realization.worker({
    enforcementPoint: POINT,
    concurrency: CONCURRENCY,
    handlers: [on(resource, { realize: handler })],
  });
  return { start: () => worker.start(), [Symbol.asyncDispose]: () => worker.stop() };
}

const NOTIFY_TRIGGER = `
  create or replace function bench_notify() returns trigger language plpgsql as $function$
  begin
    perform pg_notify('bench', new.id);
    return null;
  end
  $function$;
  create or replace trigger bench_notify after insert or update on bench_notifying_resource
    for each row execute function bench_notify()`;
