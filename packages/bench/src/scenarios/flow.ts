import type { Scenario } from '../scenario.ts';

/** Warm-up: each connection must run its statements several times before Postgres keeps their plans. */
const SHORTEST_MS = 200;

export const flow: Scenario = {
  name: 'flow',
  question:
    'How many resources a second do 8 callers take from intent by PENDING to REALIZED, with calls alone and no worker?',
  async run(bench) {
    const ours = await bench.contestant('intendant-realization', { hasFeed: false });
    const pattern = await bench.contestant('pattern-flow');
    const workload = bench.workload('flow', { durationMs: Math.max(bench.effort.turnMs, SHORTEST_MS) });
    return bench.compare({
      name: 'flow',
      unit: 'flows/s',
      better: 'higher',
      ours: async () => (await ours.run(workload)).value,
      peers: [
        {
          name: 'vs-pattern',
          peerName: 'pg, a transaction a step, each statement a round trip',
          measure: async () => (await pattern.run(workload)).value,
        },
      ],
    });
  },
};
