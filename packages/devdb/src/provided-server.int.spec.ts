import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startDevDatabase, withClient } from './dev-database.ts';
import { newTestFolder } from './testing/test-server.ts';

let folder: string;
beforeEach(async () => {
  vi.stubEnv('DATABASE_URL', undefined);
  folder = await newTestFolder('spec');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const ask = async (url: string, sql: string): Promise<unknown> =>
  withClient(url, async (client) => (await client.query(sql)).rows[0]);

test('DATABASE_URL replaces the embedded server, and every database has a working URL whatever its name and PGSSLMODE', async () => {
  await using server = await startDevDatabase({ dataDir: join(folder, 'data'), fsync: false });
  vi.stubEnv('DATABASE_URL', server.url);
  const borrowed = await startDevDatabase();
  await borrowed.stop();
  expect(borrowed).toMatchObject({ url: server.url, port: server.port, dataDir: undefined });
  vi.stubEnv('PGSSLMODE', 'require');
  for (const name of ['billing', 'feature/login', 'a+b & c@d:e=f,g;h$', 'ü %2F"x']) {
    expect(await ask(await server.createDatabase(name), 'select current_database() as one')).toEqual({ one: name });
  }
  expect(await ask(await borrowed.createDatabase('billing'), 'select 1 as one')).toEqual({ one: 1 });
  await expect(server.createDatabase('what?')).rejects.toThrow('leave out ? and #');
});

test('a DATABASE_URL that is wrong or leads nowhere is refused without its password', async () => {
  for (const url of ['nonsense', 'mysql://root:sesame@127.0.0.1/x', 'postgres://me:sesame@127.0.0.1:1/x']) {
    const error = await startDevDatabase({ url }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'UNREACHABLE', message: expect.not.stringContaining('sesame') });
  }
});
