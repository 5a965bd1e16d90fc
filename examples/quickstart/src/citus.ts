import { citus, type Distribution } from '@intendant/core';
import pg from 'pg';

/** Finds out whether the database has Citus. Then the tables are distributed, and the feed reads the log of each node. */
export async function findDistribution(databaseUrl: string): Promise<Distribution | undefined> {
  const rows = await query(databaseUrl, `select from pg_extension where extname = 'citus'`);
  return rows.length > 0 ? citus() : undefined;
}

const CAPTURE = `do $$ begin
  if current_setting('citus.enable_change_data_capture') <> 'on' then
    execute format('alter database %I set citus.enable_change_data_capture = on', current_database());
  end if;
end $$`;

/** Turns on what the feed needs on Citus, a setting of the database. */
export const turnOnCapture = (databaseUrl: string): Promise<unknown> => query(databaseUrl, CAPTURE);

async function query(databaseUrl: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
