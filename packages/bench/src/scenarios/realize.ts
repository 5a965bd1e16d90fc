import type { Bench } from '../bench.ts';
import type { ContestantOptions } from '../contestant/contestant.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';

const QUICK_SIZE = 100;
const FULL_SIZE = 700;

export const realize: Scenario = {
  name: 'realize',
  question: 'How many resources a second go from intent to REALIZED at one point, when realizing is nothing to do?',
  async run(bench) {
    const size = bench.effort.isQuick ? QUICK_SIZE : FULL_SIZE;
    return {
      ...(await contestRealization(bench, 'realize', size, { hasFeed: false }, BY_HAND)),
      ...(await contestRealization(bench, 'realize.with-feed', size, { hasFeed: true })),
    };
  },
};

const BY_HAND = [{ name: 'vs-by-hand', file: 'by-hand', peerName: 'pg-boss with two status tables by hand' }] as const;

/**
 * Complete realizations, compared with what peers do instead; each in one process that persists and works. The two
 * sides are notified alike: with our feed, pg-boss sends its NOTIFY; without it, neither is notified. graphile-worker
 * always notifies.
 */
export async function contestRealization(
  bench: Bench,
  name: string,
  size: number,
  { hasFeed, ...through }: Partial<ContestantOptions> & { readonly hasFeed: boolean },
  further: readonly { readonly name: string; readonly file: string; readonly peerName: string }[] = [],
): Promise<Results> {
  const measure = (file: string, changes: Partial<ContestantOptions>, operation: string) => async () =>
    (await (await bench.contestant(file, changes)).run(bench.workload(operation, { size }))).value;
  const told = hasFeed ? ', NOTIFY on' : '';
  return bench.compare({
    name,
    unit: 'realizations/s',
    better: 'higher',
    rounds: bench.effort.longRounds,
    ours: measure('intendant-realization', { ...through, hasFeed }, 'realize'),
    peers: [
      {
        name: 'vs-pgboss',
        peerName: `pg-boss, jobs that do nothing${told}`,
        measure: measure('pg-boss', through, hasFeed ? 'realize-told' : 'realize'),
      },
      {
        name: 'vs-graphile',
        peerName: 'graphile-worker, statuses by hand',
        measure: measure('graphile-worker', through, 'realize'),
      },
      ...further.map(({ file, ...peer }) => ({ ...peer, measure: measure(file, through, 'realize') })),
    ],
  });
}
