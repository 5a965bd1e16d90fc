import { internalsOf } from '@intendant/core/internal';
import { defineStatusTables, type Mark, SERVICE_SCOPE, writeMarks } from '@intendant/realization/internal';
import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { measured } from '../../contestant/load.ts';
import { orgOf } from '../../database/bench-table.ts';
import { eachOf } from '../each-of.ts';
import { newId, type Realizer, tenantSession } from './realizer.ts';

/** Marks that a worker gathers before it writes them. */
const BATCH = 500;
const TENANT = 0;

/** All points of one resource report success, in sets of 500 as a worker writes them. Returns marks per second. */
export async function hotMarksTogether(realizer: Realizer, { size }: Workload): Promise<Measurement> {
  const id = await hotResource(realizer);
  const internals = internalsOf(realizer.store);
  const { resource } = realizer;
  const { overall, enforcement } = defineStatusTables(resource);
  const tables = {
    resource: internals.table(resource),
    overall: internals.table(overall),
    enforcement: internals.table(enforcement),
  };
  const marks = Array.from(
    { length: size },
    (_, index): Mark => ({
      identity: [orgOf(TENANT), id],
      revision: 1,
      enforcementPoint: `E${index}`,
      status: 'REALIZED',
      isRemoval: false,
    }),
  );
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  for (let written = 0; written < size; written += BATCH)
    await writeMarks(internals.executor, SERVICE_SCOPE, tables, marks.slice(written, written + BATCH));
  return measured(size, startedAt, cpu);
}

/** The same, with a transaction for each mark that locks the resource. */
export async function hotMarksAlone(realizer: Realizer, { size, clients }: Workload): Promise<Measurement> {
  const id = await hotResource(realizer);
  const session = tenantSession(realizer, TENANT);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let point = 0;
  await eachOf(size, clients, () => session.markSuccess(realizer.resource, { id, revision: 1 }, `E${point++}`));
  return measured(size, startedAt, cpu);
}

async function hotResource(realizer: Realizer): Promise<string> {
  const id = newId();
  const record = { id, name: 'a machine', region: 'us-west-1', cpus: 4 };
  await tenantSession(realizer, TENANT).persistIntent(realizer.resource, record, { enforcementPoints: [] });
  return id;
}
