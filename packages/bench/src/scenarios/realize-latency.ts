import type { Bench } from '../bench.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';

const PEERS = [
  { name: 'vs-pgboss', file: 'pg-boss', peerName: 'pg-boss with its notify' },
  { name: 'vs-graphile', file: 'graphile-worker', peerName: 'graphile-worker, woken by its own NOTIFY' },
] as const;

export const realizeLatency: Scenario = {
  name: 'realize-latency',
  question:
    'How soon after the commit is a handler called, and how soon is REALIZED seen elsewhere, with nothing else going on?',
  async run(bench) {
    const called = await contest(bench, 'realize-latency', 'handler-latency');
    const seen = await contest(bench, 'realize-latency.realized', 'realized-latency');
    return { ...called, ...seen };
  },
};

/** Medians, measured with one resource after the other. */
function contest(bench: Bench, name: string, operation: string): Promise<Results> {
  const workload = bench.workload(operation, { size: bench.effort.isQuick ? 7 : 50 });
  const measure = (file: string) => async () => (await (await bench.contestant(file)).run(workload)).value;
  return bench.compare({
    name,
    unit: 'ms',
    better: 'lower',
    rounds: bench.effort.longRounds,
    ours: measure('intendant-realization'),
    peers: PEERS.map(({ file, ...peer }) => ({ ...peer, measure: measure(file) })),
  });
}
