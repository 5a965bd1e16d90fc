import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import {
  cannotHoldOnCitus,
  countActivity,
  eventually,
  tcpProxy,
  testDatabase,
  withClient,
} from '@intendant/devdb/testing';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { auditIsolation, createDataStore } from '../index.ts';
import { internalsOf } from '../internal.ts';
import { application, cokeAdmin, onTestServer, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';
import { runExchange } from './exchange.ts';
import { openPool } from './pool.ts';

const fixture = await openTestStore({ pool: { max: 4 } });
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
const role = (name: string) => `intendant_${database.name}_${name}`;
const app = (id: string) => ({ id, name: id });

beforeAll(() => store.register([application], { roles: TENANT_ROLES }));
beforeEach(async () => void (await coke.deleteMany(application, { where: {} })));
afterAll(() => fixture[Symbol.asyncDispose]());

/** Another store on the same database, with connections of its own. */
async function openAnother(connection: string, pool: object) {
  const options = { ...onTestServer, connection, adminConnection: database.adminUrl };
  const another = await createDataStore({ ...options, pool });
  await another.register([application], { roles: TENANT_ROLES });
  return another;
}

test('a transaction that deallocates prepared statements does not break the next user of the connection', async () => {
  await using small = await openAnother(database.url, { max: 1 });
  const session = small.as(cokeAdmin);
  await session.transaction(async (tx) => {
    await tx.insert(application, app('before'));
    await tx.query('deallocate all');
  });
  await session.transaction(async (tx) => void (await tx.insert(application, app('after'))));
  expect(await session.count(application)).toBe(2);
});

test('a transaction gives its connection back clean, whatever raw SQL did to it', async () => {
  await coke
    .transaction(async (tx) => {
      await tx.query(`set statement_timeout = '5min'`);
      await tx.query(`select set_config('intendant.org_id', 'Pepsi', false)`);
      await tx.query('select pg_advisory_lock(42)');
      await tx.query('listen gossip');
      await tx.query(`set role ${role('reader')}`);
      await tx.query('declare left_open cursor with hold for select 1');
      await tx.query('create temporary table leftover (id int)').catch(() => {});
    })
    .catch(() => {});
  for (let index = 0; index < 8; index++) {
    const { rows } = await coke.transaction((tx) =>
      tx.query(`select current_setting('statement_timeout') as timeout, current_setting('intendant.org_id') as org,
        (select count(*)::int from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())) as locks`),
    );
    expect(rows[0]).toEqual({ timeout: '0', org: 'Coke', locks: 0 });
  }
  const { rows } = await coke.transaction((tx) =>
    tx.query(
      `select current_user as role, (select count(*)::int from pg_listening_channels()) as channels, (select count(*)::int from pg_cursors where is_holdable) as cursors`,
    ),
  );
  expect(rows[0]).toEqual({ role: role('tenant_writer'), channels: 0, cursors: 0 });
  expect(await auditIsolation(store)).toEqual([]);
});

test('a scoped find, insert, update and delete are one round trip each', async () => {
  await using proxy = await tcpProxy({ targetPort: database.port });
  await using distant = await openAnother(proxy.through(database.url), { max: 1 });
  const session = distant.as(cokeAdmin);
  const trips = async (run: () => Promise<unknown>) => {
    proxy.roundTrips = 0;
    await run();
    return proxy.roundTrips;
  };
  let record = { ...app('wire'), revision: 1 };
  expect(await trips(() => session.insert(application, record))).toBe(1);
  expect(await trips(() => session.find(application, 'wire'))).toBe(1);
  expect(
    await trips(async () => {
      record = await session.update(application, record);
    }),
  ).toBe(1);
  expect(await trips(() => session.findMany(application))).toBe(1);
  expect(await trips(() => session.delete(application, 'wire'))).toBe(1);
  expect(await trips(() => session.transaction((tx) => tx.insert(application, record)))).toBe(2);
});

test('a connection that breaks is reported as retryable, and the next operation has a new one', async () => {
  await using proxy = await tcpProxy({ targetPort: database.port });
  await using distant = await openAnother(proxy.through(database.url), { max: 2 });
  const session = distant.as(cokeAdmin);
  const broken = session.transaction((tx) => tx.query('select pg_sleep(60)'));
  await eventually(async () =>
    expect(await countActivity(database, `query like 'select pg_sleep(60)%' and state = 'active'`)).toBe(1),
  );
  proxy.cut();
  await expect(broken).rejects.toMatchObject({ code: 'CONNECTION', retryable: true });
  expect(await session.count(application)).toBe(0);
});

test('a connection that broke while idle causes no error: the statement is sent over another one', async () => {
  await using proxy = await tcpProxy({ targetPort: database.port });
  await using distant = await openAnother(proxy.through(database.url), { max: 1 });
  const session = distant.as(cokeAdmin);
  for (let round = 0; round < 20; round++) {
    const client = await internalsOf(distant).pool.connect();
    client.release();
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect(await session.count(application)).toBe(0);
  }
});

test('an unreachable database or a wrong password is reported at once, without the password', async () => {
  const unreachable = createDataStore({ connection: 'postgres://app:hunter2@127.0.0.1:1/none' });
  await expect(unreachable).rejects.toMatchObject({ code: 'CONNECTION', retryable: true });
  const wrong = new URL(database.url);
  wrong.password = 'hunter2';
  for (const url of ['postgres://app:hunter2@127.0.0.1:1/none', wrong.href]) {
    const error = (await createDataStore({ connection: url }).catch((thrown: unknown) => thrown)) as Error;
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('hunter2');
  }
});

const OPEN = `select count(*)::int as open from pg_stat_activity where usename = $1 and datname is null or datname = $2 and pid <> pg_backend_pid()`;

test.skipIf(cannotHoldOnCitus("the nodes of the tests' cluster ask nobody for a password"))(
  'a connection that fails because the password is missing does not stay open',
  async () => {
    await using unused = await testDatabase();
    const url = new URL(unused.url);
    const login = decodeURIComponent(url.username);
    url.password = '';
    await expect(createDataStore({ connection: url.href })).rejects.toThrow(/password/);
    await withClient(unused.adminUrl, (client) =>
      eventually(async () => expect((await client.query(OPEN, [login, unused.name])).rows).toEqual([{ open: 0 }])),
    );
  },
);

/** A message of the protocol: its kind, its length and its body. */
function message(kind: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(kind), length, body]);
}

test('an error of the server that follows its first messages immediately does not end the process', async () => {
  const ready = [message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))];
  const fatal = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0'));
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([...ready, fatal])));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const pool = openPool({ host: '127.0.0.1', port, user: 'nobody', database: 'none' }, {}, pino({ level: 'silent' }));
  const client = await pool.connect();
  await expect(client.query('select 1')).rejects.toThrow();
  client.release(true);
  await pool.end();
  server.close();
});

test('a statement that cannot be sent is an error, and the connection goes on', async () => {
  await withClient(database.adminUrl, async (client) => {
    const unsendable = runExchange(client, [{ text: 'select $1::text', values: [{ not: 'text' } as never] }]);
    await expect(unsendable).rejects.toThrow(TypeError);
    expect(await runExchange(client, [{ text: 'select 1' }])).toMatchObject([{ rows: [['1']] }]);
  });
});
