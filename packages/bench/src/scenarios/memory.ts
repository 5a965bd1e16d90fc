import type { Bench } from '../bench.ts';
import type { Result, Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { FEED_TABLE, makeFeedTables } from './feed-tables.ts';

const LIMIT_MB = 150;
const JOBS = { quick: 300, full: 10_000 } as const;
const CHANGES = { quick: 10_000, full: 1_000_000 } as const;
const CALLS = { quick: 10_000, full: 1_000_000 } as const;
const SETTLING_MS = 500;

export const memory: Scenario = {
  name: 'memory',
  question:
    'How much memory does a worker hold while many jobs wait, and does it grow with changes delivered or calls made?',
  async run(bench) {
    const effort = bench.effort.isQuick ? 'quick' : 'full';
    return {
      ...(await ifWanted(bench, 'memory.worker', () => workerMemory(bench, JOBS[effort]))),
      ...(await ifWanted(bench, 'memory.subscriber', () => subscriberMemory(bench, CHANGES[effort]))),
      ...(await ifWanted(bench, 'memory.calls', () => callerMemory(bench, CALLS[effort]))),
    };
  },
};

const ifWanted = async (bench: Bench, name: string, measure: () => Promise<Result>): Promise<Results> =>
  bench.isWanted(name) ? { [name]: await measure() } : {};

/** Intents are persisted in another process, so that only the worker's memory is measured. */
async function workerMemory(bench: Bench, jobs: number): Promise<Result> {
  const { contestant: client } = await bench.start('intendant-realization');
  await client.run(bench.workload('persist', { size: jobs }));
  await client.close();
  const { contestant: worker } = await bench.start('intendant-realization');
  try {
    const { value } = await worker.run(bench.workload('waiting-jobs-memory', { durationMs: SETTLING_MS }));
    return {
      ours: value,
      peer: LIMIT_MB,
      unit: 'MB resident',
      ratio: LIMIT_MB / value,
      spread: 0,
      better: 'lower',
      peerName: 'the limit set for it',
      note: `\`memory.worker\`: ${count(jobs)} jobs waited; Node itself takes 44 MB of it.`,
    };
  } finally {
    await worker.close();
  }
}

async function subscriberMemory(bench: Bench, changes: number): Promise<Result> {
  await makeFeedTables(bench);
  const { contestant } = await bench.start('intendant-feed', { tables: [FEED_TABLE] });
  try {
    const tenth = await contestant.run(bench.workload('memory', { table: FEED_TABLE, size: changes / 10 }));
    const all = await contestant.run(bench.workload('memory', { table: FEED_TABLE, size: (changes * 9) / 10 }));
    return growth(tenth.value, all.value, `\`memory.subscriber\`: ${count(changes)} changes delivered.`);
  } finally {
    await contestant.close();
  }
}

async function callerMemory(bench: Bench, calls: number): Promise<Result> {
  await bench.scopedTable();
  const { contestant } = await bench.start('intendant');
  try {
    const tenth = await contestant.run(bench.workload('read-memory', { size: calls / 10 }));
    const all = await contestant.run(bench.workload('read-memory', { size: (calls * 9) / 10 }));
    return growth(tenth.value, all.value, `\`memory.calls\`: ${count(calls)} reads.`);
  } finally {
    await contestant.close();
  }
}

const growth = (first: number, last: number, note: string): Result => ({
  ours: last,
  peer: first,
  unit: 'MB after a collection',
  ratio: first / last,
  spread: 0,
  better: 'lower',
  peerName: 'itself after the first tenth',
  note,
});

const count = (number: number): string => number.toLocaleString('en-US');
