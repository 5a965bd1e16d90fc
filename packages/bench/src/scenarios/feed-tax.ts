import type { Entrant, Measure } from '../alternate.ts';
import type { Bench } from '../bench.ts';
import type { Contestant } from '../contestant/contestant.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, NOTIFY_TABLE, REPLICATED_TABLE, SILENT_TABLE } from './feed-tables.ts';

const TENANTS = { tenants: 100, rowsATenant: 1 };

export const feedTax: Scenario = {
  name: 'feed-tax',
  question: 'What do writers pay for a feed that a subscriber in another process follows?',
  async run(bench) {
    await makeFeedTables(bench);
    await bench.contestant('intendant-feed', { tables: [FEED_TABLE] });
    await bench.contestant('listen-notify', { tables: [NOTIFY_TABLE] });
    const writers = await bench.contestant('intendant', {
      tables: [FEED_TABLE, NOTIFY_TABLE, REPLICATED_TABLE, SILENT_TABLE],
    });
    const results: Results = {};
    // The targets are for 32 writers, so that figure has the scenario's own name.
    for (const clients of bench.effort.isQuick ? [32] : [32, 1, 8])
      Object.assign(results, await contest(bench, writers, clients));
    return results;
  },
};

async function contest(bench: Bench, writers: Contestant, clients: number): Promise<Results> {
  const measure = (table: string) => async () =>
    (await writers.run(bench.workload('insert', { ...TENANTS, table, clients }))).value;
  return bench.compare({
    name: clients === 32 ? 'feed-tax' : `feed-tax.${clients}-client${clients === 1 ? '' : 's'}`,
    unit: 'inserts/s',
    better: 'higher',
    ours: measure(FEED_TABLE),
    peers: [
      { name: 'vs-none', peerName: 'no feed', measure: measure(SILENT_TABLE) },
      { name: 'vs-notify', peerName: 'row trigger with NOTIFY, one listener', measure: measure(NOTIFY_TABLE) },
      ...(await replication(bench, measure(REPLICATED_TABLE))),
    ],
  });
}

/** Its reader runs only during its own turns: it decodes all writes of the server, and would slow the others down. */
async function replication(bench: Bench, measure: Measure): Promise<Entrant[]> {
  if (!(await bench.database.hasLogicalReplication())) return [];
  const turn = async (): Promise<number> => {
    const reader = await bench.contestant('logical-replication', { tables: [REPLICATED_TABLE] });
    await reader.run(bench.workload('subscribe'));
    const figure = await measure();
    await reader.run(bench.workload('unsubscribe'));
    return figure;
  };
  return [{ name: 'vs-replication', peerName: 'logical replication, one reader', measure: turn }];
}
