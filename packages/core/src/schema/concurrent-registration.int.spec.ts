import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { withClient } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTable } from '../index.ts';
import { adminOf, cokeAdmin, openStore, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store, database } = fixture;
const roles = { ...TENANT_ROLES };

afterAll(() => fixture[Symbol.asyncDispose]());

const tableNamed = (name: string) => defineTable(name, { schema: z.object({ id: z.string() }) });
const item = tableNamed('item');

test('many processes that register at once all succeed', async () => {
  const script = fileURLToPath(new URL('../testing/register-process.ts', import.meta.url));
  const exits = Array.from({ length: 6 }, async () => {
    const child = spawn(process.execPath, [script, database.url, database.adminUrl], { stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    return code;
  });
  expect(await Promise.all(exits)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('registrations that have nothing to change do not wait for each other', async () => {
  await store.register([item], { roles });
  await withClient(database.adminUrl, async (client) => {
    await client.query('begin');
    await client.query(`select pg_advisory_xact_lock_shared(hashtextextended('intendant.register', 0))`);
    await using other = await openStore(database);
    await other.register([item], { roles });
    expect(await other.as(cokeAdmin).count(item)).toBe(0);
  });
});

test('stores that register different tables at the same time create all of them', async () => {
  const names = ['left', 'middle', 'right'];
  const register = async (name: string) => {
    await using own = await openStore(database);
    await own.register([item, tableNamed(name)], { roles });
    await own.as(cokeAdmin).insert(tableNamed(name), { id: 'one' });
  };
  await Promise.all(names.map(register));
  for (const name of names) {
    const { rows } = await adminOf(database)(`select id from "${name}"`);
    expect(rows).toEqual([{ id: 'one' }]);
  }
});
