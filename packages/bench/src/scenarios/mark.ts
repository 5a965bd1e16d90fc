import type { Scenario } from '../scenario.ts';

export const mark: Scenario = {
  name: 'mark',
  question: 'How many single marks a second do 8 callers write, beside updates of a record at its revision?',
  async run(bench) {
    const contestant = await bench.contestant('intendant-realization');
    const measure = (operation: string) => async () => (await contestant.run(bench.workload(operation))).value;
    return bench.compare({
      name: 'mark',
      unit: 'marks/s',
      better: 'higher',
      ours: measure('mark'),
      peers: [{ name: 'vs-update', peerName: 'scoped updates, feed on', measure: measure('update') }],
    });
  },
};
