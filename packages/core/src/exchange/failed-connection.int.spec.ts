import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createDataStore } from '@intendant/core';
import { eventually, isOnCitus, testDatabase, withClient } from '@intendant/devdb/testing';
import pino from 'pino';
import { expect, test } from 'vitest';
import { runExchange } from './exchange.ts';
import { openPool } from './pool.ts';

const OPEN = `select count(*)::int as open from pg_stat_activity where usename = $1 and datname is null or datname = $2 and pid <> pg_backend_pid()`;

// The nodes of a Citus cluster trust each other, and here the test too.
test.skipIf(isOnCitus())('a connection that fails because the password is missing does not stay open', async () => {
  await using database = await testDatabase();
  const url = new URL(database.url);
  const login = decodeURIComponent(url.username);
  url.password = '';
  await expect(createDataStore({ connection: url.href })).rejects.toThrow(/password/);
  await withClient(database.adminUrl, (client) =>
    eventually(async () => expect((await client.query(OPEN, [login, database.name])).rows).toEqual([{ open: 0 }])),
  );
});

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
  await using database = await testDatabase();
  await withClient(database.adminUrl, async (client) => {
    const unsendable = runExchange(client, [{ text: 'select $1::text', values: [{ not: 'text' } as never] }]);
    await expect(unsendable).rejects.toThrow(TypeError);
    expect(await runExchange(client, [{ text: 'select 1' }])).toMatchObject([{ rows: [['1']] }]);
  });
});
