import type { BenchDatabase } from '../database/bench-database.ts';

/** The library with which a profiled server counts statements. https://www.postgresql.org/docs/current/pgstatstatements.html */
export const STATEMENT_COUNTING = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'all',
  'pg_stat_statements.track_planning': 'on',
};

/** The statements with the most time on the server, including those of peers; undefined if the server does not count them. */
export async function hotStatements(database: BenchDatabase): Promise<string | undefined> {
  return database.admin(async (client) => {
    const { rows: settings } = await client.query('show shared_preload_libraries');
    if (!String(settings[0].shared_preload_libraries).includes('pg_stat_statements')) return undefined;
    await client.query('create extension if not exists pg_stat_statements');
    const { rows } = await client.query<Record<'calls' | 'ms' | 'run' | 'least' | 'plan' | 'plans' | 'text', string>>(`
      select calls::text, round(total_exec_time + total_plan_time)::text as ms, round(1000 * mean_exec_time)::text as run,
        round(1000 * min_exec_time)::text as least, plans::text, round(1000 * mean_plan_time)::text as plan,
        left(regexp_replace(query, '\\s+', ' ', 'g'), 100) as text
      from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database()) and calls > 0
      order by total_exec_time + total_plan_time desc
      limit 25`);
    return [
      'Statements by time on the server (calls, ms in all, µs to run, at least, plans made, µs to plan):',
      ...rows.map(({ calls, ms, run, least, plans, plan, text }) =>
        [
          calls.padStart(7),
          ms.padStart(7),
          run.padStart(6),
          least.padStart(6),
          plans.padStart(7),
          plan.padStart(6),
          text,
        ].join('  '),
      ),
    ].join('\n');
  });
}
