import type { Scenario } from '../scenario.ts';

const POINTS = 5_000;
const MARKS = { quick: 1_000, full: POINTS } as const;
/** Marks with a lock each are so slow that a sample is enough to determine the rate. */
const SINGLE_MARKS = { quick: 200, full: 1_000 } as const;

export const hotResource: Scenario = {
  name: 'hot-resource',
  question:
    'How many marks a second does one resource at 5,000 points take, written together as a worker does, or with one lock a mark?',
  async run(bench) {
    const effort = bench.effort.isQuick ? 'quick' : 'full';
    const contestant = await bench.contestant('intendant-realization');
    const measure = (operation: string, size: number) => async () =>
      (await contestant.run(bench.workload(operation, { size, clients: 32 }))).value;
    return bench.compare({
      name: 'hot-resource',
      unit: 'marks/s',
      better: 'higher',
      rounds: bench.effort.longRounds,
      ours: measure('hot-marks-together', MARKS[effort]),
      peers: [
        {
          name: 'vs-single',
          peerName: 'one transaction and one lock a mark, 32 callers',
          measure: measure('hot-marks-alone', SINGLE_MARKS[effort]),
        },
      ],
    });
  },
};
