import type { Bench } from '../bench.ts';
import type { Workload } from '../contestant/contestant.ts';
import type { Results } from '../result.ts';

/** A peer of a tenant-scoped operation: the end of the result's name, the peer's file, the name in reports. */
export const TENANT_PEERS = [
  { name: 'vs-raw', file: 'raw-pg', peerName: 'pg, no row security', isHeavy: false },
  { name: 'vs-pattern', file: 'pattern-pg', peerName: 'pg, BEGIN/set_config/…/COMMIT', isHeavy: false },
  { name: 'vs-drizzle', file: 'drizzle', peerName: 'Drizzle, RLS transaction', isHeavy: false },
  { name: 'vs-kysely', file: 'kysely', peerName: 'Kysely, RLS transaction', isHeavy: false },
  { name: 'vs-prisma', file: 'prisma', peerName: 'Prisma 7, RLS extension', isHeavy: true },
] as const;

export type TenantPeer = (typeof TENANT_PEERS)[number];

/** The two peers that the targets name: the upper limit (raw pg), and the usual pattern. */
export const PG_PEERS = TENANT_PEERS.slice(0, 2);

/** Compares one operation of ours with that of each peer. */
export async function contest(
  bench: Bench,
  name: string,
  workload: Workload,
  {
    unit,
    peers = TENANT_PEERS,
    rounds = bench.effort.rounds,
  }: { unit: string; peers?: readonly TenantPeer[]; rounds?: number },
): Promise<Results> {
  const measure = (file: string) => async () => (await (await bench.contestant(file)).run(workload)).value;
  return bench.compare({
    name,
    unit,
    rounds,
    better: 'higher',
    ours: measure('intendant'),
    peers: peers.map(({ file, ...peer }) => ({ ...peer, measure: measure(file) })),
  });
}

/** The operation with 8 callers under the scenario's own name, and with 1 and 32 callers in addition. */
export async function contestAtEachLoad(bench: Bench, name: string, operation: string, unit: string): Promise<Results> {
  await bench.scopedTable();
  const results = await contest(bench, name, bench.workload(operation), { unit });
  if (bench.effort.isQuick) return results;
  const alone = await contest(bench, `${name}.1-client`, bench.workload(operation, { clients: 1 }), { unit });
  const crowd = await contest(bench, `${name}.32-clients`, bench.workload(operation, { clients: 32 }), { unit });
  return { ...results, ...alone, ...crowd };
}

/** CPU time of the client process per call: the cost of the layer itself, independent of the server. */
export async function contestCpu(bench: Bench, name: string, workload: Workload): Promise<Results> {
  const measure = (file: string) => async () => (await (await bench.contestant(file)).run(workload)).cpuMicros;
  return bench.compare({
    name,
    unit: 'µs CPU/call',
    better: 'lower',
    ours: measure('intendant'),
    peers: PG_PEERS.map(({ file, ...peer }) => ({ ...peer, measure: measure(file) })),
  });
}
