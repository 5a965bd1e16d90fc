import type { ClientBase } from 'pg';
import {
  CHANGE_JSON,
  DOORBELL_SEQUENCE,
  MAX_BYTES,
  MAY_BE_UNFLUSHED,
  RING_BODY,
  RING_UNFLUSHED_BODY,
  UNFLUSHED_SEQUENCE,
} from './doorbell.ts';
import { FLUSH } from './flush.ts';
import { LAST_NUMBER } from './settled.ts';
import { TIMELINE } from './timeline.ts';

/**
 * Functions that the relay and the writers call. An announcement states up to which number the log is settled. It
 * includes the changes since the last announcement if they are few and small; then a subscriber that is up to date need
 * not read the log.
 *
 * Any role that knows the name of a channel can listen to it and notify it. So the name is a random secret that only
 * the service role can read. Subscribers with a scope never receive the changes in announcements: they read the log
 * under their own role.
 */
const ANNOUNCEMENT_TABLE = `
create table intendant.announcement (channel text not null);
insert into intendant.announcement values ('intendant_' || translate(gen_random_uuid()::text, '-', ''));
`;

/** The most changes that an announcement includes, and the most numbers that are checked for gaps. */
const MAX_CHANGES = 512;

/**
 * SQL: a number so far ahead that no announcement includes the changes up to it. Stored as the end of what was trimmed, it
 * makes every subscriber read the log, and so notice that it must be reset.
 */
export const TRIMMED_BY_GAP = `setval('intendant.change_seq', nextval('intendant.change_seq') + ${4 * MAX_CHANGES})`;

/**
 * Announces that the log is settled up to `settled`, and further as long as each next number belongs to a committed
 * row, because such a number needs no check. Sends nothing if nothing after `after` is settled, unless it is forced. `last` is the last
 * number that the check found; more can be settled since, because writers announce their changes themselves. Returns the
 * payloads that it sent. The first line of a payload is log, after, settled, last, timeline; the changes in between
 * follow as JSON, if they are included.
 *
 * A number without a row belongs to a transaction that was rolled back. The sequence's value may not be on disk yet: a
 * rollback does not flush the write-ahead log. After a crash the server would use the number again. So if such a number
 * is announced, the commit of the announcement flushes the log first. The same for a change whose writer did not wait for
 * the disk. Other numbers need no flush by the relay.
 */
const ANNOUNCE_BODY = `
declare
  payloads text[] := '{}';
  body text := '';
  place bigint := after;
  reached bigint := after;
  is_whole boolean := greatest(last, settled) - after <= 2 * ${MAX_CHANGES};
  count int := 0;
  timeline text := ${TIMELINE};
  item record;
begin
  last := greatest(last, settled);
  if is_whole then
    for item in
      select l.seq, ${CHANGE_JSON} as change
      from intendant.change_log l where l.seq > after and l.seq <= last order by l.seq limit ${MAX_CHANGES + 1}
    loop
      exit when item.seq > settled and item.seq <> greatest(reached, settled) + 1;
      count := count + 1;
      if octet_length(body) + octet_length(item.change) > ${MAX_BYTES} and body <> '' then
        payloads := payloads || format(e'%s %s %s %s %s\\n[%s]', log_id, place, reached, last, timeline, body);
        place := reached;
        body := '';
      end if;
      is_whole := octet_length(item.change) <= ${MAX_BYTES} and cardinality(payloads) < 8 and count <= ${MAX_CHANGES};
      exit when not is_whole;
      body := body || case when body = '' then '' else ',' end || item.change;
      reached := item.seq;
    end loop;
  end if;
  settled := greatest(settled, reached);
  if not is_whole or count < settled - after or ${MAY_BE_UNFLUSHED} then perform ${FLUSH}; end if;
  if is_whole and (settled > after or is_forced) then
    payloads := payloads || format(e'%s %s %s %s %s\\n[%s]', log_id, place, settled, last, timeline, body);
  elsif settled > after or is_forced then
    if body <> '' then
      payloads := payloads || format(e'%s %s %s %s %s\\n[%s]', log_id, place, reached, last, timeline, body);
    end if;
    payloads := payloads || format('%s %s %s %s %s', log_id, reached, settled, last, timeline);
  end if;
  perform pg_notify(channel, payload) from unnest(payloads) as payload;
  return payloads;
end
`;

/**
 * See settled.ts for the rule. Each statement of a volatile function takes its own snapshot (READ COMMITTED), so the
 * reads after the check see all changes that the check found settled.
 *
 * Reading the server's locks takes longer than all the rest. Without `needs_holders` they are read only if a number is
 * missing that the check before had already found missing (`had_gap`: the first one after `after`), because most missing
 * numbers belong to writers that commit a moment later. If they are not read, `holders` is null, and `open_writers` is the
 * number of missing numbers. `queue` is the number of writers that wait for the lock on the server's queue of notifications.
 */
const CHECK_BODY = `
declare
  missing bigint := 0;
begin
  noted := ${LAST_NUMBER};
  needs_holders := needs_holders or noted - after > 2 * ${MAX_CHANGES}
    or (had_gap and noted > after and not exists (select from intendant.change_log l where l.seq = after + 1));
  if needs_holders then
    select coalesce(array_agg(distinct l.virtualtransaction) filter (where l.locktype = 'relation'), '{}'),
      count(*) filter (where l.locktype = 'object')
    into holders, queue
    from pg_locks l
    where (l.locktype = 'relation' and l.relation = 'intendant.change_log'::regclass and l.mode = 'RowExclusiveLock' and l.granted
        and l.database = (select oid from pg_database where datname = current_database()))
      or (l.locktype = 'object' and l.database = 0 and l.classid = 'pg_database'::regclass and l.objid = 0 and not l.granted);
    missing := cardinality(holders);
  elsif noted > after then
    select noted - after - count(*) into missing from intendant.change_log l where l.seq > after and l.seq <= noted;
  end if;
  open_writers := missing;
  payloads := '{}';
  if is_forced or noted > after then
    payloads := intendant.announce(channel, log_id, after, case when missing = 0 then greatest(after, noted) else after end,
      noted, is_forced);
  end if;
end
`;

/** The check as relays of earlier releases call it. */
const LOOK_BODY = `
begin
  select c.noted, c.holders, c.queue, c.payloads into noted, holders, queue, payloads
  from intendant.check_log(channel, log_id, after, is_forced, true, true) c;
end
`;

const SETTINGS = `language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan`;

/** Earlier versions of the functions have other parameters. */
const FUNCTIONS = `
drop function if exists intendant.announce(text, text, bigint, bigint, bigint);
drop function if exists intendant.look(text, text, bigint, boolean);
drop function if exists intendant.check_log(text, text, bigint, boolean, boolean, boolean);
create or replace function intendant.announce(channel text, log_id text, after bigint, settled bigint, last bigint,
  is_forced boolean) returns text[] ${SETTINGS} as $function$${ANNOUNCE_BODY}$function$;
create function intendant.check_log(channel text, log_id text, after bigint, is_forced boolean,
  needs_holders boolean, had_gap boolean,
  out noted bigint, out holders text[], out open_writers int, out queue int, out payloads text[]) ${SETTINGS} as $function$${CHECK_BODY}$function$;
create function intendant.look(channel text, log_id text, after bigint, is_forced boolean,
  out noted bigint, out holders text[], out queue int, out payloads text[]) ${SETTINGS} as $function$${LOOK_BODY}$function$;
create or replace function intendant.ring(changes bigint) returns void security definer ${SETTINGS} as $function$${RING_BODY}$function$;
create or replace function intendant.ring_unflushed() returns void security definer ${SETTINGS} as $function$${RING_UNFLUSHED_BODY}$function$;
revoke all on function intendant.ring(bigint), intendant.ring_unflushed() from public;
`;

/** Returns the SQL that installs those functions that are missing or outdated. */
export async function planAnnouncements(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{
    bodies: string[];
    isThere: boolean;
    hasDoorbell: boolean;
    hasUnflushed: boolean;
  }>(
    `select to_regclass('intendant.announcement') is not null as "isThere",
       to_regclass('intendant.doorbell') is not null as "hasDoorbell",
       to_regclass('intendant.unflushed') is not null as "hasUnflushed",
       array(select prosrc from pg_proc where pronamespace = to_regnamespace('intendant') and proname = any('{announce,check_log,look,ring,ring_unflushed}')) as bodies`,
  );
  const { bodies, isThere, hasDoorbell, hasUnflushed } = rows[0] as (typeof rows)[number];
  return [
    ...(isThere ? [] : [ANNOUNCEMENT_TABLE]),
    ...(hasDoorbell ? [] : [DOORBELL_SEQUENCE]),
    ...(hasUnflushed ? [] : [UNFLUSHED_SEQUENCE]),
    ...([ANNOUNCE_BODY, CHECK_BODY, LOOK_BODY, RING_BODY, RING_UNFLUSHED_BODY].every((body) => bodies.includes(body))
      ? []
      : [FUNCTIONS]),
  ];
}
