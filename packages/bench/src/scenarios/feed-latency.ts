import type { Bench } from '../bench.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, NOTIFY_TABLE, SILENT_TABLE } from './feed-tables.ts';

const TENANTS = { tenants: 100, rowsATenant: 1 };
const WRITERS = 8;

export const feedLatency: Scenario = {
  name: 'feed-latency',
  question:
    'How long from the call of insert to the call of a handler, the insert included: with nothing else going on, and at half of the maximum write rate?',
  async run(bench) {
    await makeFeedTables(bench);
    const rest = await contest(bench, 'feed-latency', 'latency');
    const rate = await halfOfMaximum(bench);
    const half = await contest(bench, 'feed-latency.half-load-p50', 'latency', rate);
    const tail = await contest(bench, 'feed-latency.half-load-p99', 'latency-p99', rate);
    return { ...rest, ...half, ...tail };
  },
};

/** Compares ours with LISTEN/NOTIFY, while writers in another process write at this rate to the same table. */
async function contest(bench: Bench, name: string, operation: string, ratePerSecond?: number): Promise<Results> {
  const size = bench.effort.isQuick ? 20 : 200;
  const measure = (peer: string, table: string) => async () => {
    const subscriber = await bench.contestant(peer, { tables: [table] });
    const latency = async () => (await subscriber.run(bench.workload(operation, { size }))).value;
    return ratePerSecond === undefined ? latency() : whileWriting(bench, table, ratePerSecond, latency);
  };
  return bench.compare({
    name,
    unit: 'ms',
    better: 'lower',
    ...(ratePerSecond !== undefined && {
      note: `At ${Math.round(ratePerSecond)} inserts/s, half of what ours takes at most; ${size} of them timed in each turn.`,
    }),
    rounds: bench.effort.longRounds,
    ours: measure('intendant-feed', FEED_TABLE),
    peers: [{ name: 'vs-notify', peerName: 'LISTEN/NOTIFY', measure: measure('listen-notify', NOTIFY_TABLE) }],
  });
}

/** Writers in another process write at this rate until the measurement ends. */
async function whileWriting<T>(
  bench: Bench,
  table: string,
  ratePerSecond: number,
  measure: () => Promise<T>,
): Promise<T> {
  const writers = await writersOf(bench);
  const workload = bench.workload('insert', { ...TENANTS, table, clients: WRITERS, durationMs: 200, ratePerSecond });
  let isMeasured = false;
  const write = async () => {
    while (!isMeasured) await writers.run(workload);
  };
  const measureOnce = () =>
    measure().finally(() => {
      isMeasured = true;
    });
  const [figure] = await Promise.all([measureOnce(), write()]);
  return figure;
}

async function halfOfMaximum(bench: Bench): Promise<number> {
  const writers = await writersOf(bench);
  await bench.contestant('intendant-feed', { tables: [FEED_TABLE] });
  const workload = bench.workload('insert', { ...TENANTS, table: FEED_TABLE, clients: WRITERS });
  await writers.run(workload);
  return (await writers.run(workload)).value / 2;
}

const writersOf = (bench: Bench) => bench.contestant('intendant', { tables: [FEED_TABLE, NOTIFY_TABLE, SILENT_TABLE] });
