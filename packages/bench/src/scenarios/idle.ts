import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, NOTIFY_TABLE } from './feed-tables.ts';

/** An idle relay sends a heartbeat every 5 s; the window contains one of them. */
const HEARTBEAT_MS = 5_000;

export const idle: Scenario = {
  name: 'idle',
  question: 'How much CPU does a process take when there is nothing to do, in a second?',
  async run(bench) {
    await makeFeedTables(bench);
    const measure = (peer: string, tables: string[], durationMs: number) => async () => {
      const workload = bench.workload('idle', { durationMs: bench.effort.isQuick ? 400 : durationMs });
      return (await (await bench.contestant(peer, { tables })).run(workload)).value;
    };
    const contest = { unit: 'ms CPU/s', better: 'lower', rounds: bench.effort.isQuick ? 1 : 3 } as const;
    const subscriber = await bench.compare({
      ...contest,
      name: 'idle.subscriber',
      ours: measure('intendant-feed', [FEED_TABLE], HEARTBEAT_MS),
      peers: [
        { name: 'vs-notify', peerName: 'LISTEN', measure: measure('listen-notify', [NOTIFY_TABLE], HEARTBEAT_MS) },
      ],
    });
    await bench.endBackgroundContestants();
    const worker = await bench.compare({
      ...contest,
      name: 'idle.worker',
      ours: measure('intendant-realization', [], 2_000),
      peers: [{ name: 'vs-pgboss', peerName: 'pg-boss with its notify', measure: measure('pg-boss', [], 2_000) }],
    });
    return { ...subscriber, ...worker };
  },
};
