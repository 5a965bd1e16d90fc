import { asSuperuser, type World } from './world.ts';

/** SQL that introduces a fault on purpose, to show that the checkers notice it. It must change something. */
const BREAKS: Readonly<Record<string, string>> = {
  /** Replaces functions of the database by versions that do not lock a resource's overall row. */
  lockless: `
    do $do$ declare f record; n int := 0; begin
      for f in
        select replace(pg_get_functiondef(oid), ' for no key update', '') as sql from pg_proc
        where pronamespace = 'intendant'::regnamespace and prokind = 'f'
          and pg_get_functiondef(oid) like '% for no key update%'
      loop execute f.sql; n := n + 1; end loop;
      if n = 0 then raise 'no function takes a lock'; end if;
    end $do$`,
  miscounted: `
    do $do$ declare t record; n int := 0; begin
      for t in
        select tgname, tgrelid::regclass as relation from pg_trigger
        where not tgisinternal and tgname like '%count%' and tgrelid = 'enforcement_status_vm'::regclass
      loop execute format('alter table %s disable trigger %I', t.relation, t.tgname); n := n + 1; end loop;
      if n = 0 then raise 'no trigger counts'; end if;
    end $do$`,
};

/** The built-in faults; some of them are in the processes. */
export const BROKEN_BUILDS = [...Object.keys(BREAKS), 'twice', 'drop-changes', 'lost-intents'];

/** Runs the SQL of a built-in fault. Throws if it changes nothing. */
export async function breakServer(world: Pick<World, 'server'>, broken: string): Promise<void> {
  const sql = BREAKS[broken];
  if (sql !== undefined) await asSuperuser(world, (client) => client.query(sql));
}
