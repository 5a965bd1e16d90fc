import type { ClientBase } from 'pg';
import { planFunctions } from '../schema/function-plan.ts';

/*
 * Plans are made while tables are small, and kept for the connection. For a table that was never analyzed, all rows of a
 * tenant look like a handful: a mark reads them all, and 50,000 of them take seven times as long as one. Autovacuum puts
 * that right within a minute or two of the table's growth. In a minute a new service can do a lot, so this is sooner: it
 * analyzes what has grown to several times of what the planner knows. A table that grows to a million rows is analyzed
 * six times on the way.
 */

const GROWN_TIMES = 4;
const MIN_ROWS = 300;

/** Analyzes those of the tables that have grown, with the rights of their owner. Returns their number. */
const ANALYZE_GROWN = `
create or replace function intendant.analyze_grown(names text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $body$
declare
  grown regclass;
  analyzed integer := 0;
begin
  for grown in
    select c.oid::regclass
    from unnest(names) as name join pg_class c on c.oid = to_regclass(name)
    where pg_has_role(c.relowner, 'usage')
      and pg_stat_get_live_tuples(c.oid) > ${GROWN_TIMES} * greatest(c.reltuples, ${MIN_ROWS})
  loop
    execute format('analyze %s', grown);
    analyzed := analyzed + 1;
  end loop;
  return analyzed;
end
$body$`;

export const ANALYZE_FUNCTIONS = { 'intendant.analyze_grown(text[])': ANALYZE_GROWN };

export const planAnalyze = (client: ClientBase): Promise<string[]> => planFunctions(client, ANALYZE_FUNCTIONS);
