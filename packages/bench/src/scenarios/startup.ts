import { alternate } from '../alternate.ts';
import type { Bench } from '../bench.ts';
import type { Scenario } from '../scenario.ts';
import { TENANT_PEERS } from './scoped.ts';

export const startup: Scenario = {
  name: 'startup',
  question: 'How long does it take from the import to the first answer, in a new process?',
  needsHeavyPeers: true,
  async run(bench) {
    await bench.scopedTable();
    return alternate({
      name: 'startup',
      unit: 'ms',
      better: 'lower',
      rounds: bench.effort.rounds,
      note: 'Ours runs from TypeScript source here and checks the schema at each start; the peers run from JavaScript and check nothing.',
      ours: () => start(bench, 'intendant'),
      peers: TENANT_PEERS.map(({ name, peerName, file }) => ({ name, peerName, measure: () => start(bench, file) })),
    });
  },
};

async function start(bench: Bench, peer: string): Promise<number> {
  const { contestant, openedInMs } = await bench.start(peer, {}, bench.workload('read', { clients: 1, durationMs: 0 }));
  await contestant.close();
  return openedInMs;
}
