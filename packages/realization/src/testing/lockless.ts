import { type DataStoreInternals, mapStatements, type Statement } from '@intendant/core/internal';
import pg from 'pg';

/** A store whose realization takes no lock on overall rows: what the tests of the lock must find out. */
export function leaveOutLock(store: DataStoreInternals): void {
  const { executor } = store;
  const run = executor.run.bind(executor);
  executor.run = (scope, statements, options) => run(scope, mapStatements(statements, withoutLock), options);
}

const withoutLock = (statement: Statement): Statement => {
  if (statement.name === 'lock-overall-status') return unnamed(statement, 'for no key update of o', '');
  if (statement.name === 'insert-or-lock-overall-status') return unnamed(statement, /do update .*$/, 'do nothing');
  return statement;
};

const unnamed = ({ text, values = [] }: Statement, what: string | RegExp, instead: string): Statement => ({
  text: text.replace(what, instead),
  values,
});

/** A store whose workers read what is wanted without locking it. */
export function readWithoutLock(store: DataStoreInternals): void {
  const { executor } = store;
  const run = executor.run.bind(executor);
  const patched = (statement: Statement): Statement =>
    statement.name === 'lock-what-is-free' ? unnamed(statement, 'for no key update of o skip locked', '') : statement;
  executor.run = (scope, statements, options) => run(scope, mapStatements(statements, patched), options);
}

/** The same for what runs in the database: the functions of the tables' common operations. */
export async function leaveLockOutOfFunctions(adminUrl: string): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  const { rows } = await admin.query<{ sql: string }>(
    `select replace(pg_get_functiondef(oid), ' for no key update', '') as sql from pg_proc
     where pronamespace = 'intendant'::regnamespace and (proname like 'mark\\_%' or proname like 'persist\\_intent\\_%')`,
  );
  for (const { sql } of rows) await admin.query(sql);
  await admin.end();
}
