import type { ClientBase } from 'pg';
import { planFunctions } from '../schema/function-plan.ts';

/*
 * Plans are made while tables are small, and kept for the connection. For a table that was never analyzed, the
 * planner assumes that a tenant has a few rows: a mark reads all of them, and with 50,000 rows it takes seven times
 * as long. Autovacuum corrects this within a minute or two of the growth, which is too late for a new service. So
 * this analyzes tables that have grown to several times the size that the planner knows. A table that grows to a
 * million rows is analyzed six times.
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
