import { readFile } from 'node:fs/promises';
import { testDatabase } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { Program } from './testing/program.ts';

test("the README's first program does what the README says", { timeout: 60_000 }, async () => {
  await using database = await testDatabase();
  const program = new Program('first-program.ts', { DATABASE_URL: database.adminUrl });
  expect(await program.ended()).toEqual({ end: 0, errors: '' });
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
  const source = await readFile(new URL('first-program.ts', import.meta.url), 'utf8');
  expect(readme).toContain(source);
  // Its worker and its subscriber speak when they can, so the lines of one run may stand in another order.
  const lines = program.output.trim().split('\n');
  for (const line of lines) expect(readme).toContain(line);
  expect(lines).toHaveLength(7);
});

test('a database that cannot be reached is one clear message from the first program', async () => {
  const program = new Program('first-program.ts', { DATABASE_URL: 'postgres://me:sesame@127.0.0.1:1/x' });
  const { end, errors } = await program.ended();
  expect(errors.trim().split('\n')).toEqual([expect.stringContaining('ECONNREFUSED')]);
  expect(end).toBe(1);
});
