import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDevDatabase, withClient } from '../dev-database.ts';
import { eventually } from './eventually.ts';
import { tcpProxy } from './tcp-proxy.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const ask = async (url: string, sql: string, values: unknown[] = []): Promise<unknown> =>
  withClient(url, async (client) => (await client.query(sql, values)).rows[0]);

test('the application login of a test database has no rights of its own', async () => {
  const role = await ask(
    database.url,
    'select rolsuper, rolinherit, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user',
  );
  expect(role).toEqual({ rolsuper: false, rolinherit: false, rolcreaterole: false, rolcreatedb: false });
  await expect(ask(database.url, 'create table public.mine (id int)')).rejects.toThrow(/permission denied/);
});

test('a test database made from a template holds what the template holds', async () => {
  await using template = await testDatabase();
  await ask(template.adminUrl, 'create table vm as select 7 as cpus');
  await using copy = await testDatabase({ template: template.name });
  expect(await ask(copy.adminUrl, 'select cpus from vm')).toEqual({ cpus: 7 });
});

test('an option that does not exist is refused by name', async () => {
  const doors: ((options: object) => Promise<unknown>)[] = [
    (options) => startDevDatabase(options),
    (options) => testDatabase(options),
    (options) => tcpProxy({ targetPort: database.port, ...options }),
    (options) => eventually(() => true, options),
    async (options) => (await startDevDatabase({ url: database.adminUrl })).createDatabase('never', options),
  ];
  for (const open of doors)
    await expect(open({ tempalte: 'x' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('there is no option "tempalte"'),
    });
});

test('dropping a test database takes its roles along, even while somebody is connected', async () => {
  const dropped = await testDatabase();
  await ask(dropped.adminUrl, `create role intendant_${dropped.name}_reader`);
  await withClient(dropped.url, async (client) => {
    await dropped.drop();
    await expect(client.query('select 1')).rejects.toThrow();
  });
  await dropped.drop();
  const count = 'select count(*)::int as roles from pg_roles where strpos(rolname, $1) > 0';
  expect(await ask(database.adminUrl, count, [dropped.name])).toEqual({ roles: 0 });
});

test('logical replication can be tested', async () => {
  expect(await ask(database.url, 'show wal_level')).toEqual({ wal_level: 'logical' });
});

test('eventually throws the last error', async () => {
  const failing = eventually(() => expect(3).toBe(4), { timeoutMs: 50, intervalMs: 10 });
  await expect(failing).rejects.toThrow(/expected 3 to be 4/);
});

test('a proxy counts the round trips of a query, and its connections end when it cuts them', async () => {
  await using proxy = await tcpProxy({ targetPort: database.port });
  await withClient(proxy.through(database.url), async (client) => {
    proxy.roundTrips = 0;
    await client.query('select $1::int', [1]);
    await client.query('select 1');
    expect(proxy.roundTrips).toBe(2);
    const cut = client.query('select pg_sleep(60)');
    proxy.cut();
    await expect(cut).rejects.toThrow(/terminated|ECONNRESET/);
  });
});

test('what the server says last still comes through a slow proxy', async () => {
  await using proxy = await tcpProxy({ targetPort: database.port, latencyMs: 20 });
  const wrong = proxy.through(database.url).replace(/\/test_\w+/, '/nowhere');
  await expect(ask(wrong, 'select 1')).rejects.toThrow(/database "nowhere" does not exist/);
});
