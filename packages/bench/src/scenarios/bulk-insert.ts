import type { Bench } from '../bench.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { contest } from './scoped.ts';

const ROWS = 10_000;
/** The number of callers, chosen so that a turn of the slowest peer takes a few seconds. */
const ROWS_AMONG_MANY = 1_000;

export const bulkInsert: Scenario = {
  name: 'bulk-insert',
  question: 'How fast do 10,000 records of one tenant go in with one call (1,000 a call with 8 and 32 callers)?',
  needsHeavyPeers: true,
  async run(bench) {
    await bench.scopedTable();
    const alone = await bulk(bench, 'bulk-insert', 1, ROWS);
    if (bench.effort.isQuick) return alone;
    return {
      ...alone,
      ...(await bulk(bench, 'bulk-insert.8-clients', 8, ROWS_AMONG_MANY)),
      ...(await bulk(bench, 'bulk-insert.32-clients', 32, ROWS_AMONG_MANY)),
    };
  },
};

/** Each caller makes as many calls as it can begin within the turn, but at least one. */
const bulk = (bench: Bench, name: string, clients: number, size: number): Promise<Results> =>
  contest(bench, name, bench.workload('bulk', { clients, size, durationMs: bench.effort.turnMs / 2 }), {
    unit: 'rows/s',
    rounds: bench.effort.isQuick ? 1 : bench.effort.longRounds,
  });
