import { fileURLToPath } from 'node:url';
import { testDatabase, withClient } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { runCli } from './testing/run-cli.ts';

const CONFIG = fileURLToPath(new URL('testing/example.config.ts', import.meta.url));

test('schema --remove keeps the rows, and removes every object and role of the framework', async () => {
  await using database = await testDatabase();
  const cli = (...args: string[]) =>
    runCli([...args, '--config', CONFIG], {
      environment: { DATABASE_URL: database.url, ADMIN_DATABASE_URL: database.adminUrl },
    });
  const ask = (sql: string) => withClient(database.adminUrl, async (client) => (await client.query(sql)).rows);
  await cli('schema', '--apply');
  await ask(`insert into vm (org_id, id, name) values ('acme', 'VM1', 'web')`);
  expect((await cli('schema', '--remove')).stderr).toContain('Add --yes');
  expect(await cli('schema', '--remove', '--yes')).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await ask('select id, name from vm')).toEqual([{ id: 'VM1', name: 'web' }]);
  expect(await ask(`select tgname from pg_trigger where tgrelid = 'vm'::regclass and not tgisinternal`)).toEqual([]);
  expect(await ask(`select policyname from pg_policies where tablename = 'vm'`)).toEqual([]);
  expect(await ask(`select nspname from pg_namespace where nspname like 'intendant%'`)).toEqual([]);
  expect(await ask(`select rolname from pg_roles where starts_with(rolname, 'intendant_${database.name}')`)).toEqual(
    [],
  );
  expect(await cli('schema', '--remove', '--yes')).toMatchObject({ exitCode: 3 });
  expect(await cli('schema', '--apply')).toMatchObject({ exitCode: 0 });
  expect(await cli('schema', '--remove', '--with-tables', '--yes')).toMatchObject({ exitCode: 0 });
  expect(
    await ask(`select relname from pg_class where relnamespace = 'public'::regnamespace and relname not like 'citus%'`),
  ).toEqual([]);
});
