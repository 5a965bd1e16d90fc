import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, REPLICATED_TABLE } from './feed-tables.ts';

const CHANGES = { quick: 5_000, full: 100_000 } as const;

export const feedBacklog: Scenario = {
  name: 'feed-backlog',
  question: 'How many changes a second does one subscriber get who comes when they have all happened?',
  async run(bench) {
    if (!(await bench.database.hasLogicalReplication())) return {};
    await makeFeedTables(bench);
    const size = CHANGES[bench.effort.isQuick ? 'quick' : 'full'];
    const measure = (peer: string, table: string) => async () =>
      (await (await bench.contestant(peer, { tables: [table] })).run(bench.workload('backlog', { table, size }))).value;
    return bench.compare({
      name: 'feed-backlog',
      unit: 'changes/s',
      better: 'higher',
      rounds: bench.effort.longRounds,
      ours: measure('intendant-feed', FEED_TABLE),
      peers: [
        {
          name: 'vs-replication',
          peerName: 'logical replication, from its slot',
          measure: measure('logical-replication', REPLICATED_TABLE),
        },
      ],
    });
  },
};
