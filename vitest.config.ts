import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { COMPILE_CACHE } from './scripts/bootstrap/repository.mjs';
import { LongestFirst } from './scripts/longest-first.ts';

/** Where `.ci/run` wants the counts of this run. */
const reportFile = process.env['INTENDANT_TEST_REPORT'];

/** Set by `npm run soak`: tests at full size, each as long as it takes. */
const isSoak = process.env['INTENDANT_SOAK'] === '1';

/** Decides what property tests try: the same in every run, so that a run tells about the change alone; another one in each soak. */
const seed = process.env['INTENDANT_SEED'] ?? (isSoak ? String(Date.now() % 2 ** 31) : '20261128');

export default defineConfig({
  test: {
    include: ['packages/**/src/**/*.spec.ts', 'examples/**/*.spec.ts', 'scripts/**/*.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['./packages/devdb/src/testing/global-setup.ts', './scripts/compile-cache.ts'],
    setupFiles: './scripts/property-seed.ts',
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // One process runs many files: to load the packages takes longer than most files' tests. A file leaves nothing behind.
    isolate: false,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, INTENDANT_SEED: seed },
    // Vitest's own choice leaves a core free, which on two means one file at a time; and tests wait a good deal.
    maxWorkers: availableParallelism() + 1,
    // Long, so that a busy machine fails no test: tests wait for conditions, not for time.
    testTimeout: isSoak ? 3_600_000 : 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 15_000,
    reporters: reportFile === undefined ? ['dot'] : ['dot', ['json', { outputFile: reportFile }]],
  },
});
