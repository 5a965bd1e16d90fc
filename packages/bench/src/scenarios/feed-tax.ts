import { alternate } from '../alternate.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, NOTIFY_TABLE, SILENT_TABLE } from './feed-tables.ts';

const TENANTS = { tenants: 100, rowsATenant: 1 };

export const feedTax: Scenario = {
  name: 'feed-tax',
  question: 'What do writers pay for a feed that a subscriber in another process follows?',
  async run(bench) {
    await makeFeedTables(bench);
    await bench.contestant('intendant-feed', { tables: [FEED_TABLE] });
    await bench.contestant('listen-notify', { tables: [NOTIFY_TABLE] });
    const writers = await bench.contestant('intendant', { tables: [FEED_TABLE, NOTIFY_TABLE, SILENT_TABLE] });
    const results: Results = {};
    for (const clients of bench.effort.isQuick ? [32] : [1, 8, 32]) {
      const measure = (table: string) => async () =>
        (await writers.run(bench.workload('insert', { ...TENANTS, table, clients }))).value;
      const found = await alternate({
        // The targets speak of 32 writers: that figure carries the scenario's own name.
        name: clients === 32 ? 'feed-tax' : `feed-tax.${clients}-clients`,
        unit: 'inserts/s',
        better: 'higher',
        rounds: bench.effort.rounds,
        ours: measure(FEED_TABLE),
        peers: [
          { name: 'vs-none', peerName: 'no feed', measure: measure(SILENT_TABLE) },
          { name: 'vs-notify', peerName: 'row trigger with NOTIFY, one listener', measure: measure(NOTIFY_TABLE) },
        ],
      });
      Object.assign(results, found);
    }
    return results;
  },
};
