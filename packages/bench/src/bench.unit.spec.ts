import { expect, test } from 'vitest';
import { Bench, type BenchOptions, QUICK } from './bench.ts';
import type { BenchDatabase } from './database/bench-database.ts';

const peerNames = ['vs-raw', 'vs-prisma'] as const;

/** The names of the results of a contest with these options, and how often ours was measured. */
async function compare(options: Partial<BenchOptions>) {
  let turns = 0;
  const bench = new Bench({} as BenchDatabase, { effort: QUICK, ...options });
  const results = await bench.compare({
    name: 'read',
    unit: 'reads/s',
    better: 'higher',
    ours: async () => ++turns,
    peers: peerNames.map((name) => ({ name, peerName: name, isHeavy: name === 'vs-prisma', measure: async () => 1 })),
  });
  return { names: Object.keys(results), turns, results };
}

test('all peers are measured, after a turn to warm up', async () => {
  const { names, turns } = await compare({});
  expect(names).toEqual(['read.vs-raw', 'read.vs-prisma']);
  expect(turns).toBe(QUICK.rounds + 1);
});

test('nothing runs for results that are not requested', async () => {
  expect((await compare({ isWanted: (name) => name === 'read.vs-raw' })).names).toEqual(['read.vs-raw']);
  expect(await compare({ isWanted: () => false })).toMatchObject({ names: [], turns: 0 });
});

test('peers that could not be installed are left out', async () => {
  expect((await compare({ hasHeavyPeers: false })).names).toEqual(['read.vs-raw']);
});

test('a run that is late measures only one round, and says so', async () => {
  const { turns, results } = await compare({ effort: { ...QUICK, lateAfterMs: -1 } });
  expect(turns).toBe(2);
  expect(results['read.vs-raw']?.note).toBe('One round, since the run was late.');
});
