import { createDataStore } from '@intendant/core';
import { createRealization } from '@intendant/realization';
import { createSubscriptions } from '@intendant/subscription';
import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { idleCpu } from '../contestant/idle.ts';
import { figureOf } from '../contestant/load.ts';
import { ROLE_MAPPING } from '../database/bench-table.ts';
import { eachOf } from './each-of.ts';
import { flows, intents, marks, updates, upserts } from './realization/calls.ts';
import { hotMarksAlone, hotMarksTogether } from './realization/hot-marks.ts';
import { handlerLatency, realizedLatency } from './realization/latency.ts';
import { CALLERS, persist, plainTable, type Realizer, resourceTables } from './realization/realizer.ts';
import { idleWorker, realize, waitingJobsMemory } from './realization/worker.ts';
import { POOL_SIZE } from './tenant-store.ts';

/** Ours: intents, jobs, a worker that is woken by the feed (or polls ten times per second), and statuses. */
export async function open({ url, adminUrl, hasFeed = true }: ContestantOptions): Promise<Contestant> {
  const store = await createDataStore({ connection: url, adminConnection: adminUrl, pool: { max: POOL_SIZE + 8 } });
  const subscriptions = hasFeed ? await createSubscriptions({ store }) : undefined;
  const tables = resourceTables(hasFeed);
  const realization = await createRealization({ store, subscriptions });
  await realization.register(Object.values(tables), { roles: ROLE_MAPPING });
  const plain = plainTable(hasFeed);
  await store.register([plain], { roles: ROLE_MAPPING });
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(notifyTrigger(tables.notifyingResource.name));
  const realizer: Realizer = { store, realization, admin, plain, ...tables };
  return {
    run: (workload) => runOperation(realizer, workload),
    close: async () => {
      await realization.close();
      await subscriptions?.close();
      await store.close();
      await admin.end();
    },
  };
}

const OPERATIONS: Record<string, (realizer: Realizer, workload: Workload) => Promise<Measurement>> = {
  realize,
  'handler-latency': handlerLatency,
  'realized-latency': realizedLatency,
  'hot-marks-together': hotMarksTogether,
  'hot-marks-alone': hotMarksAlone,
  'waiting-jobs-memory': waitingJobsMemory,
  idle: (realizer, { durationMs }) => idleWorker(realizer, () => idleCpu(durationMs)),
  persist: async (realizer, workload) => {
    await eachOf(workload.size, CALLERS, () => persist(realizer, workload));
    return figureOf(workload.size);
  },
  intent: (realizer, workload) => intents(realizer, workload, realizer.resource),
  'intent-notify': (realizer, workload) => intents(realizer, workload, realizer.notifyingResource),
  upsert: upserts,
  flow: flows,
  mark: marks,
  update: updates,
};

function runOperation(realizer: Realizer, workload: Workload): Promise<Measurement> {
  const operation = OPERATIONS[workload.operation];
  if (operation === undefined) throw new Error(`there is no operation ${workload.operation}`);
  return operation(realizer, workload);
}

const notifyTrigger = (table: string): string => `
  create or replace function bench_notify() returns trigger language plpgsql as $function$
  begin
    perform pg_notify('bench', new.id);
    return null;
  end
  $function$;
  create or replace trigger bench_notify after insert or update on ${table}
    for each row execute function bench_notify()`;
