import type { Bench } from '../bench.ts';
import type { Scenario } from '../scenario.ts';
import { TENANT_PEERS } from './scoped.ts';

const QUICK_PEERS = new Set(['vs-raw', 'vs-prisma']);

export const startup: Scenario = {
  name: 'startup',
  question: 'How long does it take from the import to the first answer, in a new process?',
  needsHeavyPeers: true,
  async run(bench) {
    await bench.scopedTable();
    const entrants = TENANT_PEERS.filter(({ name }) => !bench.effort.isQuick || QUICK_PEERS.has(name));
    return bench.compare({
      name: 'startup',
      unit: 'ms',
      better: 'lower',
      rounds: bench.effort.longRounds,
      note: 'Ours runs from TypeScript source here and checks the schema at each start; the peers run from JavaScript and check nothing. Node keeps compiled code for all (`NODE_COMPILE_CACHE`).',
      ours: () => start(bench, 'intendant'),
      peers: entrants.map(({ file, ...peer }) => ({ ...peer, measure: () => start(bench, file) })),
    });
  },
};

async function start(bench: Bench, peer: string): Promise<number> {
  const { contestant, openedInMs } = await bench.start(peer, {}, bench.workload('read', { clients: 1, durationMs: 0 }));
  await contestant.close();
  return openedInMs;
}
