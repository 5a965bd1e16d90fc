import { tcpProxy } from '@intendant/devdb/testing';
import type { Bench } from '../bench.ts';
import type { ContestantOptions } from '../contestant/contestant.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { contestRealization } from './realize.ts';
import { TENANT_PEERS } from './scoped.ts';

const DISTANCES_MS = [1, 5];
const QUICK_DISTANCES_MS = [1];
const QUICK_SIZE = 50;
const FULL_SIZE = 300;

export const distance: Scenario = {
  name: 'distance',
  question: 'What is left of reads and realizations when the database is 1 ms or 5 ms away, each way?',
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
  const { url, adminUrl } = bench.database;
  const { hostname, port } = new URL(url);
  await using proxy = await tcpProxy({ targetHost: hostname, targetPort: Number(port || 5432), latencyMs });
  const reads = await contestReads(bench, latencyMs, { url: proxy.through(url) });
  const size = bench.effort.isQuick ? QUICK_SIZE : FULL_SIZE;
  const through = { url: proxy.through(url), adminUrl: proxy.through(adminUrl), hasFeed: true };
  const realizations = await contestRealization(bench, `distance.realize-${latencyMs}ms`, size, through);
  await bench.endBackgroundContestants();
  return { ...reads, ...realizations };
}

async function contestReads(bench: Bench, latencyMs: number, through: Partial<ContestantOptions>): Promise<Results> {
  const opened = new Map<string, ReturnType<Bench['start']>>();
  const workload = bench.workload('read', { durationMs: Math.max(bench.effort.turnMs, 200) });
  const measure = (file: string) => async () => {
    const opening = opened.get(file) ?? bench.start(file, through);
    opened.set(file, opening);
    return (await (await opening).contestant.run(workload)).value;
  };
  try {
    return await bench.compare({
      name: `distance.read-${latencyMs}ms`,
      unit: 'reads/s',
      better: 'higher',
      ours: measure('intendant'),
      peers: TENANT_PEERS.map(({ file, ...peer }) => ({ ...peer, measure: measure(file) })),
    });
  } finally {
    await Promise.all([...opened.values()].map(async (opening) => (await opening).contestant.close()));
  }
}
