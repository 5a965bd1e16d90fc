import { readFile } from 'node:fs/promises';
import { testDatabase } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { Program } from './testing/program.ts';

test("the README's first program does what the README says", { timeout: 60_000 }, async () => {
  await using database = await testDatabase();
  const program = new Program('first-program.ts', { DATABASE_URL: database.adminUrl });
  expect(await program.ended()).toEqual({ end: 0, errors: '' });
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(await readSource());
  // Its worker and its subscriber speak when they can, so the lines of one run may stand in another order.
  const lines = program.output.trim().split('\n');
  for (const line of lines) expect(readme).toContain(line);
  expect(lines).toHaveLength(7);
});

test.for([
  ['a table that is not registered', 'register([vm]', 'register([]', /table "vm" is not registered/],
  ['a record that fails its schema', 'cpus: 4', "cpus: 'four' as never", /vm: cpus: .*expected number/],
  ['a role that maps to nothing', "'tenant_writer'", "'emperor' as never", /emperor.* is not a database role/],
] as const)('%s is one clear message and exit code 1', { timeout: 60_000 }, async ([, right, wrong, message]) => {
  await using database = await testDatabase();
  const source = (await readSource()).replace(right, wrong);
  await expectComplaint(new Program({ source }, { DATABASE_URL: database.adminUrl }), message);
});

test('a database that cannot be reached is one clear message and exit code 1', async () => {
  const program = new Program('first-program.ts', { DATABASE_URL: 'postgres://me:sesame@127.0.0.1:1/x' });
  await expectComplaint(program, /ECONNREFUSED/);
});

const readSource = () => readFile(new URL('first-program.ts', import.meta.url), 'utf8');

async function expectComplaint(program: Program, message: RegExp): Promise<void> {
  const { end, errors } = await program.ended();
  expect(errors.trim().split('\n')).toEqual([expect.stringMatching(message)]);
  expect(end).toBe(1);
}
