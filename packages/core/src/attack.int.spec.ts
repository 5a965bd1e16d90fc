import { isOnCitus, withClient } from '@intendant/devdb/testing';
import type pg from 'pg';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { application, cokeAdmin, openTestStore, pepsiAdmin, TENANT_ROLES } from './testing/fixtures.ts';

/*
 * Everything here is tried by hand with the application login's own password, past the library. What docs/security.md
 * says is prevented must be; what it says cannot be is shown too, so that the page stays honest.
 */
const SECRET = 'pepsis-secret-recipe';
const fixture = await openTestStore();
const { store, database } = fixture;
const role = (name: string) => `intendant_${database.name}_${name}`;

beforeAll(async () => {
  await store.register([application], { roles: TENANT_ROLES });
  await store.as(pepsiAdmin).insert(application, { id: 'p1', name: SECRET });
  await store.as(cokeAdmin).insert(application, { id: 'c1', name: 'cokes-own' });
  await withClient(database.adminUrl, (client) => client.query('analyze application'));
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Runs the statements one by one on one connection of the login. Returns everything that the server sent back. */
async function attack(statements: readonly string[]): Promise<{ heard: string; errors: string[] }> {
  const heard: unknown[] = [];
  const errors: string[] = [];
  await withClient(database.url, async (client) => {
    client.on('notice', (notice) => heard.push({ ...notice, message: notice.message }));
    for (const statement of statements) {
      try {
        heard.push((await client.query(statement)).rows);
      } catch (error) {
        const { message, detail, hint, where } = error as pg.DatabaseError;
        heard.push({ message, detail, hint, where });
        errors.push(message);
      }
    }
  });
  return { heard: JSON.stringify(heard), errors };
}

const asTenant = (org: string | undefined, ...statements: string[]): string[] => [
  'begin',
  `set local role ${role('tenant_writer')}`,
  ...(isOnCitus() ? [`set local citus.propagate_set_commands = 'local'`] : []),
  ...(org === undefined ? [] : [`set local intendant.org_id = '${org}'`]),
  ...statements,
  'rollback',
];

describe('the login itself, whoever holds its password', () => {
  const attempts: Record<string, string[]> = {
    'reads the table': ['select * from application'],
    'reads it with an empty org': [`set intendant.org_id = ''`, 'select * from application'],
    "reads it with another's org": [`set intendant.org_id = 'Pepsi'`, 'select * from application'],
    'reads it by its short name': ['table application'],
    'counts it': ['select count(*) from application'],
    'prepares a statement': ['prepare peek as select * from application', 'execute peek'],
    'opens a cursor': ['begin', 'declare peek cursor for select * from application', 'fetch all from peek'],
    'locks it': ['begin', 'lock table application in access share mode'],
    'writes to it': [`insert into application (org_id, id, name) values ('Coke', 'x', 'x')`],
    'changes it': [`update application set name = 'x' returning *`],
    'empties it': ['delete from application returning *', 'truncate application'],
    'merges into it': ['merge into application a using (values (1)) v on true when matched then delete'],
    'copies it to a file': [`copy application to '/tmp/peek'`, `copy application to program 'cat'`],
    'makes a table of it': ['create temporary table peek as select * from application'],
    'makes a view of it': ['create temporary view peek as select * from application', 'select * from peek'],
    'wraps it in a function': [
      `create function pg_temp.peek() returns setof application language sql as 'select * from application'`,
      'select * from pg_temp.peek()',
    ],
    'wraps it in a function with rights': [
      `create function pg_temp.peek() returns setof application language sql security definer as 'select * from application'`,
      'select * from pg_temp.peek()',
    ],
    'runs a block': [`do $$ begin raise notice '%', (select string_agg(name, ',') from public.application); end $$`],
    explains: ['explain (analyze, verbose) select * from application'],
    'reads statistics': [`select * from pg_stats where tablename = 'application'`, 'select * from pg_statistic'],
    'reads the files': [
      `select pg_read_file('PG_VERSION')`,
      `select pg_ls_dir('.')`,
      `select lo_import('/etc/passwd')`,
    ],
    'turns row security off': [
      'alter table application disable row level security',
      'alter table application no force row level security',
      'set row_security = off',
      'select * from application',
    ],
    'changes the policies': [
      'drop policy intendant_tenant_reader on application',
      'create policy peek on application using (true)',
      'alter policy intendant_tenant_reader on application using (true)',
    ],
    'makes itself mightier': [
      'alter role current_user bypassrls',
      'alter role current_user superuser',
      `grant ${role('writer')} to current_user with admin option`,
      `grant select on application to current_user`,
      'create role peek login bypassrls',
    ],
    'becomes somebody else': ['set role postgres', 'set session authorization postgres', 'set role pg_read_all_data'],
    'owns it': ['alter table application owner to current_user', 'reassign owned by postgres to current_user'],
  };

  test.each(Object.entries(attempts))('%s: and sees nothing of it', async (_what, statements) => {
    const { heard, errors } = await attack(statements);
    expect(heard).not.toContain(SECRET);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.join()).toMatch(
      /permission denied|must be owner|must be able|To MERGE into a distributed table|must be superuser|Only roles|is not permitted|violates/i,
    );
  });

  test('reads as a tenant’s role without an org, or with an empty one: no rows', async () => {
    for (const org of [undefined, '', ' ', '%', 'pepsi', 'Pepsi '])
      for (const name of ['tenant_reader', 'tenant_writer', 'tenant_instance_reader', 'tenant_instance_writer']) {
        const { heard, errors } = await attack([
          'begin',
          `set local role ${role(name)}`,
          ...(org === undefined ? [] : [`select set_config('intendant.org_id', '${org}', true)`]),
          'select name from application',
        ]);
        expect({ org, name, errors, heard }).toMatchObject({
          errors: [],
          heard: expect.not.stringContaining('name":'),
        });
      }
  });
});

describe('SQL of a tenant’s own, under its role and org', () => {
  const attempts: Record<string, string[]> = {
    'reads everything': [
      'select * from application',
      'table application',
      "select count(*), string_agg(name, ',') from application",
    ],
    'asks for the other’s rows': [`select * from application where org_id = 'Pepsi' or true`],
    'prepares before and reads after': ['prepare peek as select * from application', 'execute peek'],
    'reads through a cursor that moves back': [
      'declare peek scroll cursor for select * from application',
      'fetch last from peek',
      'fetch all from peek',
      'fetch backward all from peek',
    ],
    'is told by a cheap function of its own': [
      `create function pg_temp.tell(text) returns boolean language plpgsql cost 0.0000001 as 'begin raise notice ''told %'', $1; return true; end'`,
      'select * from application where pg_temp.tell(name)',
    ],
    'is told by an error': [
      `select * from application where name::int = 1`,
      `select 1 / (length(name) - ${SECRET.length}) from application`,
    ],
    'is told by what returns': [
      `update application set name = name returning *`,
      'delete from application returning *',
    ],
    'writes a row of the other’s': [
      `insert into application (org_id, id, name) values ('Pepsi', 'x', 'x') returning *`,
    ],
    'gives its row away': [`update application set org_id = 'Pepsi' returning *`],
    'takes the other’s row by conflict': [
      `insert into application (org_id, id, name) values ('Pepsi', 'p1', 'x') on conflict (org_id, id) do update set name = application.name returning *`,
      `insert into application (org_id, id, name) values ('Coke', 'p1', 'x') on conflict (org_id, id) do update set org_id = 'Pepsi' returning *`,
    ],
    merges: [
      `merge into application a using (values ('p1')) v (id) on a.id = v.id when matched then update set name = 'x' when not matched then do nothing returning a.*`,
    ],
    'locks what it cannot see': ['select * from application for update'],
    'sees through a view': ['create temporary view peek as select * from application', 'select * from peek'],
    'sees through a view that a role with more rights would own': [
      `create temporary view peek with (security_invoker = false) as select * from application`,
      'select * from peek',
    ],
    'reads statistics': [
      `select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'application'`,
      'select * from pg_statistic_ext_data',
    ],
    explains: ['explain (analyze, verbose, buffers) select * from application'],
    'turns row security off': ['set local row_security = off', 'select * from application'],
    samples: ['select * from application tablesample system (100)'],
    'looks at physical places': [`select * from application where ctid in ('(0,1)', '(0,2)', '(0,3)')`],
    'joins by brute force': [
      `select a.* from application a, lateral (select * from application b where b.org_id <> a.org_id) c`,
    ],
  };

  test.each(Object.entries(attempts))('%s: and meets its own rows alone', async (_what, statements) => {
    const guarded = statements.flatMap((statement, index) => [
      `savepoint s${index}`,
      statement,
      `rollback to s${index}`,
    ]);
    const kept = statements.length > 1 ? asTenant('Coke', ...statements) : asTenant('Coke', ...guarded);
    const { heard } = await attack(kept);
    expect(heard).not.toContain(SECRET);
  });

  test('does see its own', async () => {
    const { heard, errors } = await attack(asTenant('Coke', 'select name from application'));
    expect({ heard, errors }).toEqual({ heard: expect.stringContaining('cokes-own'), errors: [] });
  });

  test('copies out its own rows alone', async () => {
    const copied = await withClient(database.url, async (client) => {
      for (const statement of asTenant('Coke').slice(0, -1)) await client.query(statement);
      return copyOut(client, 'copy (select name from application) to stdout');
    });
    expect(copied).toBe('cokes-own\n');
  });

  test('leaves the other’s rows as they were', async () => {
    expect(await store.as(pepsiAdmin).findMany(application)).toMatchObject([{ id: 'p1', name: SECRET, revision: 1 }]);
  });

  test('is what session.transaction gives, and nothing of it stays on the connection', async () => {
    const seen = await store.as(cokeAdmin).transaction(async (tx) => {
      const { rows } = await tx.query('select name from application');
      return rows;
    });
    expect(seen).toEqual([{ name: 'cokes-own' }]);
  });
});

describe('what a shared login cannot prevent, as docs/security.md says', () => {
  test('whoever writes the SQL takes another org or a wider role', async () => {
    const byOrg = await attack(
      asTenant('Coke', `set local intendant.org_id = 'Pepsi'`, 'select name from application'),
    );
    expect(byOrg.heard).toContain(SECRET);
    const byRole = await attack(['begin', `set local role ${role('reader')}`, 'select name from application']);
    expect(byRole.heard).toContain(SECRET);
  });

  test('but no value that goes through the store is ever SQL', async () => {
    const orgId = `Coke', true), set_config('role', '${role('reader')}', true), set_config('intendant.org_id', 'Pepsi`;
    expect(await store.as({ ...cokeAdmin, orgId }).findMany(application)).toEqual([]);
    const { rows } = await store
      .as(cokeAdmin)
      .transaction((tx) => tx.query('select name from application where id = $1', [`' or true --`]));
    expect(rows).toEqual([]);
  });
});

/** pg has no COPY of its own; its rows come as messages of the connection. */
function copyOut(client: pg.ClientBase, sql: string): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    client.query({
      submit: (connection: pg.Connection) =>
        void (connection.stream as NodeJS.WritableStream).write(serialize.query(sql)),
      handleCopyData: ({ chunk }: { chunk: Buffer }) => void chunks.push(Buffer.from(chunk)),
      handleError: reject,
      handleCommandComplete: () => {},
      handleReadyForQuery: () => resolve(Buffer.concat(chunks).toString()),
    } as unknown as pg.Submittable);
  });
}
