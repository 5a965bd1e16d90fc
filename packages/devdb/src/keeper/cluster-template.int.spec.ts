import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startDevDatabase, withClient } from '../dev-database.ts';
import { newTestFolder } from '../testing/test-server.ts';
import { ClusterTemplate } from './cluster-template.ts';

/* What is kept of initdb's result, in a cache folder of these tests' own. */

let folder: string;
let cache: string;
beforeAll(async () => {
  folder = await newTestFolder('template');
  cache = join(folder, 'cache', 'intendant');
});
beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  vi.stubEnv('DATABASE_URL', undefined);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = () => startDevDatabase({ fsync: false });
const identify = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    return rows[0]?.id;
  });

test('later servers are copies of the first, two at once too, each with a password of its own; one that does not start is replaced', async () => {
  await using first = await start();
  const original = await identify(first.url);
  const [one, two] = await Promise.all([start(), start()]);
  await using _one = one;
  await using _two = two;
  expect(await Promise.all([identify(one.url), identify(two.url)])).toEqual([original, original]);
  expect(new Set([first, one, two].map(({ url }) => new URL(url).password)).size).toBe(3);
  const withOtherPassword = Object.assign(new URL(one.url), { password: new URL(first.url).password });
  await expect(identify(withOtherPassword.href)).rejects.toThrow(/password authentication failed/);
  const [name = '', ...others] = await readdir(cache);
  expect(others).toEqual([]);

  await truncate(join(cache, name, 'data/global/pg_control'), 0);
  await using replaced = await start();
  await using copy = await start();
  expect(await identify(replaced.url)).not.toBe(original);
  expect(await identify(copy.url)).toBe(await identify(replaced.url));
});

const newFolder = async (name: string): Promise<string> => {
  const path = join(folder, name);
  await mkdir(path);
  return path;
};
const copyFolder = (from: string, to: string) => cp(from, to, { recursive: true });

test('a copy that is not complete is not used, and the next one to be kept takes its place', async () => {
  const template = new ClusterTemplate(['damaged'], copyFolder);
  const cluster = await newFolder('cluster');
  await writeFile(join(cluster, 'PG_VERSION'), '18');
  await writeFile(join(cluster, 'pg_hba.conf'), 'local all all trust');
  const copy = await newFolder('copy');
  expect(await template.copyTo(copy)).toBe(false);
  const before = await readdir(cache).catch((): string[] => []);
  await template.keep(cluster);
  const [kept = ''] = (await readdir(cache)).filter((name) => !before.includes(name));
  await rm(join(cache, kept, 'data', 'pg_hba.conf'));
  expect(await template.copyTo(copy)).toBe(false);
  expect(await readdir(copy)).toEqual([]);
  await template.keep(cluster);
  expect(await template.copyTo(copy)).toBe(true);
  expect(await readFile(join(copy, 'pg_hba.conf'), 'utf8')).toBe('local all all trust');
});

test('where nothing can be kept, nothing is copied', async () => {
  vi.stubEnv('XDG_CACHE_HOME', '/dev/null');
  const template = new ClusterTemplate(['nowhere'], copyFolder);
  await template.keep(await newFolder('other'));
  expect(await template.copyTo(await newFolder('target'))).toBe(false);
});
