import { defineConfig } from 'vitest/config';

/** Where `.ci/run` wants the counts of this run. */
const reportFile = process.env['INTENDANT_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['packages/**/src/**/*.spec.ts', 'examples/**/*.spec.ts', 'scripts/**/*.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: './packages/devdb/src/testing/global-setup.ts',
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    reporters: reportFile === undefined ? ['dot'] : ['dot', ['json', { outputFile: reportFile }]],
  },
});
