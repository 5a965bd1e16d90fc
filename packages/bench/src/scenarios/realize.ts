import { alternate } from '../alternate.ts';
import type { Scenario } from '../scenario.ts';

const QUICK_SIZE = 200;
const FULL_SIZE = 1_000;

export const realize: Scenario = {
  name: 'realize',
  question: 'How many resources a second go from intent to REALIZED at one point, when realizing is nothing to do?',
  async run(bench) {
    const workload = bench.workload('realize', { size: bench.effort.isQuick ? QUICK_SIZE : FULL_SIZE });
    const measure = (file: string) => async () => (await (await bench.contestant(file)).run(workload)).value;
    return alternate({
      name: 'realize',
      unit: 'realizations/s',
      better: 'higher',
      rounds: bench.effort.rounds,
      ours: measure('intendant-realization'),
      peers: [
        { name: 'vs-pgboss', peerName: 'pg-boss, jobs that do nothing', measure: measure('pg-boss') },
        { name: 'vs-graphile', peerName: 'graphile-worker, statuses by hand', measure: measure('graphile-worker') },
      ],
    });
  },
};
