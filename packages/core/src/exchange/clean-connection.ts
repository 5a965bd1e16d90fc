import type pg from 'pg';
import { connectionOf } from './pg-internals.ts';
import { PREPARED_PREFIX, preparedNamesOf } from './prepared-names.ts';

/** `discard all` without dropping the prepared statements. Behind a pooler, `reset all` would leave a preset encoding. */
const CLEAN = `
  close all; reset session authorization; reset all; set client_encoding = 'UTF8'; unlisten *; select pg_advisory_unlock_all(); discard temp; discard sequences;
  select count(*)::int as count from pg_prepared_statements where name like '${PREPARED_PREFIX}%'`;

/** Resets a connection after raw SQL. Resolves to false if that failed: then the state of the connection is unknown. */
export async function cleanConnection(client: pg.ClientBase): Promise<boolean> {
  try {
    const results = (await client.query(CLEAN)) as unknown as pg.QueryResult<{ count: number }>[];
    const names = preparedNamesOf(connectionOf(client));
    if (results.at(-1)?.rows[0]?.count !== names.count) names.markAllUncertain(); // Raw SQL deallocated them.
    return true;
  } catch {
    return false;
  }
}
