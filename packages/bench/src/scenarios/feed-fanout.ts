import type { Bench } from '../bench.ts';
import type { Contestant } from '../contestant/contestant.ts';
import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables, NOTIFY_TABLE, SILENT_TABLE } from './feed-tables.ts';

const SUBSCRIBERS_A_PROCESS = 10;
const PROCESSES = { quick: 2, full: 10 } as const;
const TENANTS = { tenants: 100, rowsATenant: 1 };

export const feedFanout: Scenario = {
  name: 'feed-fanout',
  question: 'What do 8 writers pay for 100 subscribers in 10 processes, beside one subscriber?',
  async run(bench) {
    await makeFeedTables(bench);
    const processes = PROCESSES[bench.effort.isQuick ? 'quick' : 'full'];
    const writers = await bench.contestant('intendant', { tables: [FEED_TABLE, NOTIFY_TABLE, SILENT_TABLE] });
    const write = async (table: string) => (await writers.run(bench.workload('insert', { ...TENANTS, table }))).value;
    await using ours = await startAll(bench, 'intendant-feed', FEED_TABLE, processes);
    await using listeners = await startAll(bench, 'listen-notify', NOTIFY_TABLE, processes);
    await ours.all('silence');
    await bench.contestant('intendant-feed', { tables: [FEED_TABLE] });
    await bench.contestant('listen-notify', { tables: [NOTIFY_TABLE] });
    return await bench.compare({
      name: 'feed-fanout',
      unit: 'inserts/s',
      better: 'higher',
      note: `${processes * SUBSCRIBERS_A_PROCESS} subscribers in ${processes} processes, all on the machine that the server and the writers are on.`,
      rounds: bench.effort.longRounds,
      ours: () => ours.whileSubscribed(() => write(FEED_TABLE)),
      peers: [
        { name: 'vs-one', peerName: 'ours with one subscriber', measure: () => write(FEED_TABLE) },
        {
          name: 'vs-notify',
          peerName: 'row trigger with NOTIFY, as many listeners',
          measure: () => listeners.whileSubscribed(() => write(NOTIFY_TABLE)),
        },
      ],
    });
  },
};

class Audience implements AsyncDisposable {
  readonly #processes: readonly Contestant[];
  readonly #bench: Bench;

  constructor(bench: Bench, processes: readonly Contestant[]) {
    this.#bench = bench;
    this.#processes = processes;
  }

  async whileSubscribed(measure: () => Promise<number>): Promise<number> {
    await this.all('subscribe');
    const figure = await measure();
    await this.all('unsubscribe');
    return figure;
  }

  async all(operation: string): Promise<void> {
    const workload = this.#bench.workload(operation, { size: SUBSCRIBERS_A_PROCESS });
    await Promise.all(this.#processes.map((contestant) => contestant.run(workload)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((contestant) => contestant.close()));
  }
}

async function startAll(bench: Bench, peer: string, table: string, count: number): Promise<Audience> {
  const opened = await Promise.all(Array.from({ length: count }, () => bench.start(peer, { tables: [table] })));
  return new Audience(
    bench,
    opened.map(({ contestant }) => contestant),
  );
}
