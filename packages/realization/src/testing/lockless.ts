import { type DataStoreInternals, mapStatements, type Statement } from '@intendant/core/internal';
import pg from 'pg';

/** A store whose realization takes no lock on overall rows; the tests of the lock must detect this. */
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

/** Removes the lock from the functions in the database. */
export const leaveLockOutOfFunctions = (adminUrl: string): Promise<void> =>
  replaceInFunctions(
    adminUrl,
    ['mark', 'persist_intent', 'finish_attempts'],
    / for no key update( of o skip locked)?/g,
  );

/** Removes the lock from `begin_attempts`: workers then read the intent without a lock. */
export const beginWithoutLock = (adminUrl: string): Promise<void> =>
  replaceInFunctions(adminUrl, ['begin_attempts'], / for no key update of o skip locked/g);

async function replaceInFunctions(adminUrl: string, verbs: readonly string[], what: RegExp): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query('begin; select pg_advisory_xact_lock(1)');
  const { rows } = await admin.query<{ sql: string }>(
    `select pg_get_functiondef(oid) as sql from pg_proc
     where pronamespace = 'intendant'::regnamespace and proname ~ '^(${verbs.join('|')})_'`,
  );
  for (const { sql } of rows) await admin.query(sql.replaceAll(what, ''));
  await admin.query('commit');
  await admin.end();
}
