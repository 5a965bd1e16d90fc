import { createDataStore } from '@intendant/core';
import { createSubscriptions } from '@intendant/subscription';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { benchTable, orgOf, ROLE_MAPPING, TENANT_ROLES } from '../database/bench-table.ts';
import { median } from '../statistics.ts';

/** Ours: the relay and a subscriber of the one table, in a process that the writers know nothing of. */
export async function open({ url, adminUrl, tables: [name = ''] }: ContestantOptions): Promise<Contestant> {
  const table = benchTable(name);
  const store = await createDataStore({ connection: url, adminConnection: adminUrl });
  await store.register([table], { roles: ROLE_MAPPING });
  const subscriptions = await createSubscriptions({ store });
  const heard = new Map<string, () => void>();
  await subscriptions.subscribe(table, async ({ key }) => heard.get(String(key['id']))?.());
  const session = store.as({ orgId: orgOf(0), roles: TENANT_ROLES });
  let count = 0;
  /** From the call of insert to the call of the handler: the answer to the insert may come after it. */
  const latency = async (): Promise<number> => {
    const id = `latency-${process.pid}-${count++}`;
    const startedAt = performance.now();
    const arrival = new Promise<number>((resolve) => heard.set(id, () => resolve(performance.now())));
    await session.insert(table, { id, name: 'a machine', region: 'us-west-1', cpus: 4 });
    const arrivedAt = await arrival;
    heard.delete(id);
    return arrivedAt - startedAt;
  };
  return {
    run: async ({ size }) => ({ value: await medianOf(size, latency), cpuMicros: 0 }),
    close: async () => {
      await subscriptions.close();
      await store.close();
    },
  };
}

async function medianOf(times: number, measure: () => Promise<number>): Promise<number> {
  const figures: number[] = [];
  while (figures.length < times) figures.push(await measure());
  return median(figures);
}
