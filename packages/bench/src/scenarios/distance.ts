import { tcpProxy } from '@intendant/devdb/testing';
import { alternate } from '../alternate.ts';
import type { Bench } from '../bench.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { TENANT_PEERS } from './scoped.ts';

const DISTANCES_MS = [1, 5];
const QUICK_DISTANCES_MS = [1];

export const distance: Scenario = {
  name: 'distance',
  question: 'What is left of the rate of scoped reads when the database is 1 ms or 5 ms away, each way?',
  needsHeavyPeers: true,
  async run(bench) {
    await bench.scopedTable();
    const results: Results = {};
    for (const latencyMs of bench.effort.isQuick ? QUICK_DISTANCES_MS : DISTANCES_MS)
      Object.assign(results, await atDistance(bench, latencyMs));
    return results;
  },
};

async function atDistance(bench: Bench, latencyMs: number): Promise<Results> {
  const { hostname, port } = new URL(bench.database.url);
  await using proxy = await tcpProxy({ targetHost: hostname, targetPort: Number(port || 5432), latencyMs });
  const url = proxy.through(bench.database.url);
  const opened = new Map<string, Awaited<ReturnType<Bench['start']>>['contestant']>();
  try {
    const files = ['intendant', ...TENANT_PEERS.map(({ file }) => file)];
    for (const file of files) opened.set(file, (await bench.start(file, { url })).contestant);
    const workload = bench.workload('read', { durationMs: Math.max(bench.effort.turnMs, 200) });
    const measure = (file: string) => async () => (await opened.get(file)?.run(workload))?.value ?? Number.NaN;
    return await alternate({
      name: `distance.read-${latencyMs}ms`,
      unit: 'reads/s',
      better: 'higher',
      rounds: bench.effort.rounds,
      ours: measure('intendant'),
      peers: TENANT_PEERS.map(({ name, peerName, file }) => ({ name, peerName, measure: measure(file) })),
    });
  } finally {
    await Promise.all([...opened.values()].map((contestant) => contestant.close()));
  }
}
