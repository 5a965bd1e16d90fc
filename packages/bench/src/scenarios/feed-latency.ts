import { alternate } from '../alternate.ts';
import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, NOTIFY_TABLE } from './feed-tables.ts';

export const feedLatency: Scenario = {
  name: 'feed-latency',
  question: 'How long from the call of insert to the call of a handler, the insert included, as a median?',
  async run(bench) {
    await makeFeedTables(bench);
    const ours = await bench.contestant('intendant-feed', { tables: [FEED_TABLE] });
    const peer = await bench.contestant('listen-notify', { tables: [NOTIFY_TABLE] });
    const workload = bench.workload('latency', { size: bench.effort.isQuick ? 10 : 100 });
    return alternate({
      name: 'feed-latency',
      unit: 'ms',
      better: 'lower',
      rounds: bench.effort.rounds,
      ours: async () => (await ours.run(workload)).value,
      peers: [{ name: 'vs-notify', peerName: 'LISTEN/NOTIFY', measure: async () => (await peer.run(workload)).value }],
    });
  },
};
