import type { ClientBase } from 'pg';

/*
 * What the relay runs. An announcement says how far the log is settled, and carries the changes since the last one as far
 * as they are few and small (a notification holds less than 8,000 bytes): a subscriber that keeps up need not read.
 *
 * A role that knows the name of a channel can listen to it, so the name is a random secret that only the service role can
 * read. Scoped subscribers never receive what an announcement carries: they read under their own role.
 */
const ANNOUNCEMENT_TABLE = `
create table intendant.announcement (channel text not null);
insert into intendant.announcement values ('intendant_' || translate(gen_random_uuid()::text, '-', ''));
`;

/** An announcement's first line is log, after, settled, last; the changes in between follow as JSON, if it carries them. */
const ANNOUNCE_BODY = `
declare
  payloads text[] := '{}';
  body text := '';
  place bigint := after;
  reached bigint := after;
  is_whole boolean := settled - after <= 512;
  item record;
begin
  if is_whole then
    for item in
      select l.seq, json_build_array(l.seq, l.table_name, l.operation, l.key, l.org_id, l.instance_id, l.revision::text,
        l.record::text, extract(epoch from l.occurred_at) * 1000)::text as change
      from intendant.change_log l where l.seq > after and l.seq <= settled order by l.seq
    loop
      if octet_length(body) + octet_length(item.change) > 7700 and body <> '' then
        payloads := payloads || format(e'%s %s %s %s\\n[%s]', log_id, place, reached, last, body);
        place := reached;
        body := '';
      end if;
      is_whole := octet_length(item.change) <= 7700 and cardinality(payloads) < 8;
      exit when not is_whole;
      body := body || case when body = '' then '' else ',' end || item.change;
      reached := item.seq;
    end loop;
  end if;
  if is_whole then
    payloads := payloads || format(e'%s %s %s %s\\n[%s]', log_id, place, settled, last, body);
  else
    if body <> '' then
      payloads := payloads || format(e'%s %s %s %s\\n[%s]', log_id, place, reached, last, body);
    end if;
    payloads := payloads || format('%s %s %s %s', log_id, reached, settled, last);
  end if;
  perform pg_notify(channel, payload) from unnest(payloads) as payload;
  return payloads;
end
`;

/**
 * See settled.ts for the rule. Each statement of a volatile function takes its own snapshot (READ COMMITTED), so what is
 * read after the look shows all that the look found settled.
 */
const LOOK_BODY = `
begin
  select case when s.is_called then s.last_value else 0 end into noted from intendant.change_seq s;
  holders := array(
    select distinct virtualtransaction from pg_locks
    where locktype = 'relation' and relation = 'intendant.change_log'::regclass and mode = 'RowExclusiveLock' and granted
      and database = (select oid from pg_database where datname = current_database())
  );
  if holders = '{}' and (is_forced or noted > after) then
    payloads := intendant.announce(channel, log_id, after, greatest(after, noted), noted);
  end if;
end
`;

const SETTINGS = `language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan`;

const ANNOUNCE_FUNCTIONS = `
create or replace function intendant.announce(channel text, log_id text, after bigint, settled bigint, last bigint)
returns text[] ${SETTINGS} as $function$${ANNOUNCE_BODY}$function$;
create or replace function intendant.look(channel text, log_id text, after bigint, is_forced boolean,
  out noted bigint, out holders text[], out payloads text[]) ${SETTINGS} as $function$${LOOK_BODY}$function$;
`;

/** The SQL that installs what the relay runs, as far as it is not there yet. */
export async function planAnnouncements(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ bodies: string[]; isThere: boolean }>(
    `select to_regclass('intendant.announcement') is not null as "isThere",
       array(select prosrc from pg_proc where pronamespace = to_regnamespace('intendant') and proname = any('{announce,look}')) as bodies`,
  );
  const { bodies, isThere } = rows[0] as (typeof rows)[number];
  return [
    ...(isThere ? [] : [ANNOUNCEMENT_TABLE]),
    ...([ANNOUNCE_BODY, LOOK_BODY].every((body) => bodies.includes(body)) ? [] : [ANNOUNCE_FUNCTIONS]),
  ];
}
