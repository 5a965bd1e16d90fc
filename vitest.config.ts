import { defineConfig } from 'vitest/config';

const isWatching = process.argv.includes('watch');

export default defineConfig({
  test: {
    include: ['packages/**/src/**/*.spec.ts', 'examples/**/*.spec.ts', 'scripts/**/*.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: './packages/devdb/src/testing/global-setup.ts',
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    reporters: isWatching ? ['default'] : ['dot'],
  },
});
