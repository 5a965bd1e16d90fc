import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeDistantFolder } from './spread-folders.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'intendant-distant-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true });
});

test.for([
  ['with the system’s chattr', process.env['PATH']],
  ['without chattr', '/nowhere'],
] as const)('a distant folder is the only one that is left, %s', async ([, path]) => {
  vi.stubEnv('PATH', path);
  const temporary: string[] = [];
  const folder = await makeDistantFolder(join(parent, 'data-'), (made) => temporary.push(made));
  expect(basename(folder)).toMatch(/^data-\w{6}$/);
  expect(await readdir(parent)).toEqual([basename(folder)]);
  expect(temporary).toContain(folder);
});
