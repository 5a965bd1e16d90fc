import type { Contestant, Measurement, Workload } from '../contestant/contestant.ts';
import { megabytesInUse } from '../contestant/heap.ts';
import { figureOf, loadFor, type Work } from '../contestant/load.ts';
import { idOf, orgOf } from '../database/bench-table.ts';
import { eachOf } from './each-of.ts';

export interface NewMachine {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly cpus: number;
}

/** A stored machine, with the fields that the bench reads. Each peer has its own type for the revision. */
export interface Machine extends NewMachine {
  readonly revision: number | bigint | string;
}

/** What each peer of the tenant scenarios implements: operations for one org that return what a service would need next. */
export interface TenantStore {
  find(table: string, orgId: string, id: string): Promise<Machine>;
  /** In key order. */
  list(table: string, orgId: string, limit: number): Promise<readonly Machine[]>;
  insert(table: string, orgId: string, machine: NewMachine): Promise<Machine>;
  /** Fails if the machine does not have the given revision. */
  update(table: string, orgId: string, machine: Machine): Promise<Machine>;
  insertMany(table: string, orgId: string, machines: readonly NewMachine[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Size of each peer's connection pool: one for each caller of the largest load. */
export const POOL_SIZE = 32;
const LIST_LIMIT = 100;

let count = 0;
const newMachine = (): NewMachine => ({
  id: `new-${process.pid}-${count++}`,
  name: 'a machine',
  region: 'us-west-1',
  cpus: 4,
});

const random = (below: number): number => Math.floor(Math.random() * below);

/** The work of one caller, by the name of the operation. */
function workOf(store: TenantStore, { operation, table, tenants, rowsATenant, size }: Workload): Work {
  const anyOrg = () => orgOf(random(tenants));
  const mine = new Map<number, Machine>();
  const orgOfClient = (client: number) => orgOf(client % tenants);
  const insert = async (client: number) => {
    mine.set(client, await store.insert(table, orgOfClient(client), newMachine()));
    return undefined;
  };
  const update = async (client: number) => {
    const before = mine.get(client) ?? (await store.insert(table, orgOfClient(client), newMachine()));
    mine.set(client, await store.update(table, orgOfClient(client), { ...before, cpus: random(64) }));
    return undefined;
  };
  const operations: Record<string, Work> = {
    read: async () => {
      await store.find(table, anyOrg(), idOf(random(rowsATenant)));
      return undefined;
    },
    list: async () => (await store.list(table, anyOrg(), LIST_LIMIT)).length,
    insert,
    update,
    write: async (client) => {
      await insert(client);
      await update(client);
      return 2;
    },
    bulk: async (client) => {
      await store.insertMany(table, orgOfClient(client), Array.from({ length: size }, newMachine));
      return size;
    },
  };
  const work = operations[operation];
  if (work === undefined) throw new Error(`there is no operation ${operation}`);
  return work;
}

async function memoryAfterReads(store: TenantStore, workload: Workload): Promise<Measurement> {
  const read = workOf(store, { ...workload, operation: 'read' });
  await eachOf(workload.size, workload.clients, () => read(0));
  return figureOf(megabytesInUse());
}

export function tenantContestant(store: TenantStore): Contestant {
  return {
    run: (workload): Promise<Measurement> =>
      workload.operation === 'read-memory'
        ? memoryAfterReads(store, workload)
        : loadFor(workload.clients, workload.durationMs, workOf(store, workload), workload.ratePerSecond),
    close: () => store.close(),
  };
}
