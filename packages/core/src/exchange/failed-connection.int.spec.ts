import { createDataStore } from '@intendant/core';
import { eventually, isOnCitus, testDatabase, withClient } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';

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
