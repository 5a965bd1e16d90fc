import type { Scenario } from '../scenario.ts';

/** Warm-up: each of 32 connections must run its statements several times before Postgres keeps their plans. */
const SHORTEST_MS = 300;

export const intents32: Scenario = {
  name: 'intents-32',
  question:
    'How many intents a second do 32 callers persist, beside bare upserts, and beside intents that notify in their transactions?',
  async run(bench) {
    const contestant = await bench.contestant('intendant-realization');
    const measure = (operation: string) => async () =>
      (
        await contestant.run(
          bench.workload(operation, { clients: 32, durationMs: Math.max(bench.effort.turnMs, SHORTEST_MS) }),
        )
      ).value;
    return bench.compare({
      name: 'intents-32',
      unit: 'intents/s',
      better: 'higher',
      ours: measure('intent'),
      peers: [
        { name: 'vs-notify', peerName: 'the same with NOTIFY', measure: measure('intent-notify') },
        { name: 'vs-upsert', peerName: 'scoped upserts of the same record, feed on', measure: measure('upsert') },
      ],
    });
  },
};
