import type { Random } from '../random.ts';
import type { Caller } from './caller.ts';
import type { EntryPoint, SystemUnderTest } from './entry-point.ts';
import { cell, doc } from './tables.ts';

/** What a tenant that may run its own SQL tries, without changing its role or org. */
const QUERIES: readonly string[] = [
  'select * from doc',
  'select * from cell',
  'select * from note',
  'select * from overall_status_cell',
  'select * from enforcement_status_cell',
  'select * from intendant.change_log',
  'select * from intendant.status_log',
  'select * from intendant.status_count',
  'select * from intendant.cursor',
  'select * from intendant.announcement',
  'select * from intendant.enforcement_point',
  'select * from intendant_jobs.job',
  'select query, application_name from pg_stat_activity',
  "select most_common_vals::text from pg_stats where tablename in ('doc', 'cell')",
  'select * from pg_locks',
  'table pg_authid',
  'explain (analyze, verbose) select * from doc',
  'copy doc to stdout',
  "update doc set org_id = 'o1'",
  "insert into doc (id, value, org_id, json) values ('x', 'x', 'o1', '{}')",
  'delete from intendant.change_log',
  'create table public.mine (id int)',
  "create function pg_temp.peek(text) returns boolean language plpgsql cost 0.0001 as $$ begin raise notice '%', $1; return true; end $$",
  'alter table doc disable row level security',
  'set session authorization postgres',
  "select pg_read_file('/etc/passwd')",
  "select count(*) from pg_ls_dir('.')",
  "select set_config('session_replication_role', 'replica', true)",
  'lock table doc in access exclusive mode nowait',
];

const runSql = ({ store }: SystemUnderTest, { context }: Caller, sql: string) =>
  store.as(context).transaction(async (tx) => (await tx.query(sql)).rows, { tables: [doc, cell] });

export const SQL_ENTRY_POINTS: readonly EntryPoint[] = QUERIES.map((sql) => ({
  name: `SQL: ${sql.slice(0, 60)}`,
  call: (system: SystemUnderTest, caller: Caller, _random: Random) => runSql(system, caller, sql),
}));
