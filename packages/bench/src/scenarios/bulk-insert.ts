import type { Scenario } from '../scenario.ts';
import { contest } from './scoped.ts';

const ROWS = 10_000;

export const bulkInsert: Scenario = {
  name: 'bulk-insert',
  question: 'How fast do 10,000 records of one tenant go in with one call?',
  needsHeavyPeers: true,
  async run(bench) {
    await bench.scopedTable();
    // One call at a time, as many as are begun within the turn: at least one.
    const workload = bench.workload('bulk', {
      clients: 1,
      size: ROWS,
      tenants: 1,
      durationMs: bench.effort.turnMs / 2,
    });
    return contest(bench, 'bulk-insert', workload, { unit: 'rows/s' });
  },
};
