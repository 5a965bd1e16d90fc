import type { RecordOf } from '@intendant/core';
import type { Measurement, Workload } from '../../contestant/contestant.ts';
import { loadFor } from '../../contestant/load.ts';
import { orgOf, TENANT_ROLES } from '../../database/bench-table.ts';
import { newId, POINT, persist, type Realizer, type ResourceTable, tenantSession } from './realizer.ts';

type Stored = RecordOf<ResourceTable>;

/** Intents of new resources at one point. */
export const intents = (realizer: Realizer, workload: Workload, table: ResourceTable): Promise<Measurement> =>
  loadFor(workload.clients, workload.durationMs, async () => {
    await persist(realizer, workload, table);
    return undefined;
  });

/** New records of a table that has the same feed and no statuses. */
export const upserts = (realizer: Realizer, { clients, durationMs, tenants }: Workload): Promise<Measurement> =>
  loadFor(clients, durationMs, async () => {
    const id = newId();
    await plainSession(realizer, tenantOf(id, tenants)).upsert(realizer.plain, machine(id));
    return undefined;
  });

/** Each call: a new resource, PENDING at one point, then REALIZED there. No worker takes part, so there is no job. */
export const flows = (realizer: Realizer, { clients, durationMs, tenants }: Workload): Promise<Measurement> =>
  loadFor(clients, durationMs, async () => {
    const id = newId();
    const session = tenantSession(realizer, tenantOf(id, tenants));
    const { record } = await session.persistIntent(realizer.resource, machine(id), { enforcementPoints: [] });
    await session.markPending(realizer.resource, record, POINT);
    await session.markSuccess(realizer.resource, record, POINT);
    return undefined;
  });

/** Single marks; each changes the status at the point and the overall status. Each caller has its own resource. */
export async function marks(realizer: Realizer, { clients, durationMs, tenants }: Workload): Promise<Measurement> {
  const callers = await eachCaller(clients, async (client) => {
    const session = tenantSession(realizer, client % tenants);
    const { record } = await session.persistIntent(realizer.resource, machine(newId()), { enforcementPoints: [] });
    return { session, record, isRealized: false };
  });
  return loadFor(clients, durationMs, async (client) => {
    const caller = callers[client] as (typeof callers)[number];
    if (caller.isRealized) await caller.session.markInProgress(realizer.resource, caller.record, POINT);
    else await caller.session.markSuccess(realizer.resource, caller.record, POINT);
    caller.isRealized = !caller.isRealized;
    return undefined;
  });
}

/** Updates of a record at its revision, in a table that has the same feed and no statuses. Each caller has its own record. */
export async function updates(realizer: Realizer, { clients, durationMs, tenants }: Workload): Promise<Measurement> {
  const callers = await eachCaller(clients, async (client) => {
    const session = plainSession(realizer, client % tenants);
    return { session, record: await session.insert(realizer.plain, machine(newId())) };
  });
  return loadFor(clients, durationMs, async (client) => {
    const caller = callers[client] as { session: ReturnType<typeof plainSession>; record: Stored };
    caller.record = await caller.session.update(realizer.plain, { ...caller.record, cpus: caller.record.cpus + 1 });
    return undefined;
  });
}

const machine = (id: string) => ({ id, name: 'a machine', region: 'us-west-1', cpus: 4 });

const eachCaller = <T>(clients: number, make: (client: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: clients }, (_, client) => make(client)));

/** Distributes new resources over the tenants. */
const tenantOf = (id: string, tenants: number): number => Number(id.slice(id.lastIndexOf('-') + 1)) % tenants;

const plainSession = ({ store }: Realizer, tenant: number) => store.as({ orgId: orgOf(tenant), roles: TENANT_ROLES });
