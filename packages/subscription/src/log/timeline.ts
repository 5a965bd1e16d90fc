import { LAST_NUMBER } from './settled.ts';

/**
 * Each promotion of a standby, and each restore to a point in time, begins a new timeline of the server. The log of the
 * new timeline may lack the last changes of the old one, and uses their numbers again. So places of two timelines are
 * never compared: an announcement contains its timeline, and a read of the log returns the one that it read.
 */

/** The server's timeline, eight hexadecimal digits. Every role may read it. */
export const TIMELINE = 'pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8)';

/** Identifies the log that a place belongs to. */
export interface LogVersion {
  readonly logId: string;
  /** Empty if a relay of an earlier release announced the log, which does not name it. */
  readonly timeline: string;
}

/** Whether places in both logs can be compared. */
export const isSameLog = (one: LogVersion, other: LogVersion): boolean =>
  one.logId === other.logId && (one.timeline === other.timeline || one.timeline === '' || other.timeline === '');

/** For a read or a write whose place belongs to a log that the database no longer has, or not yet. It is tried again. */
export const logNotAnnounced = (): Error => new Error('the relay has not announced the log of this server yet');

/** SQL: whether the database's log is the one with this id and timeline, which are parameters. */
export const isLog = (logId: string, timeline: string): string =>
  `exists (select from intendant.change_log_identity where id = ${logId}::text and ${timeline}::text in ('', (select ${TIMELINE})))`;

/** How many numbers are left out when a timeline begins: more than changes are lost in a failover, and less than a count of the lag reads. */
const LEFT_OUT = 100_000;

/**
 * One row for each timeline on which a relay has led. Positions beyond `lost_after`, up to `lost_until`, may belong to the
 * timeline before it. `settled_seq` is a number up to which the log of this timeline was settled.
 */
export const TIMELINE_TABLE = `
create table intendant.log_timeline (timeline text primary key, settled_seq bigint not null, lost_after bigint not null, lost_until bigint not null);
`;

/**
 * Called by the relay before it leads, and now and then while it leads. When a timeline begins, it leaves out numbers, so
 * that no change of this timeline has a number that may have been used and lost before. Writers may be faster than the
 * first relay. So the positions that may be lost begin where the log was settled for certain.
 */
export const BEGIN_TIMELINE_BODY = `
declare
  live text := ${TIMELINE};
  before bigint;
begin
  update intendant.log_timeline set settled_seq = settled where timeline = live and settled_seq < settled;
  if found or exists (select from intendant.log_timeline where timeline = live) then return; end if;
  select settled_seq into before from intendant.log_timeline order by timeline desc limit 1;
  if before is null then
    insert into intendant.log_timeline values (live, settled, 0, 0);
  else
    insert into intendant.log_timeline values (live, before, before,
      setval('intendant.change_seq', ${LAST_NUMBER} + ${LEFT_OUT}));
  end if;
end
`;

export const BEGIN_TIMELINE = `
create or replace function intendant.begin_timeline(settled bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $function$${BEGIN_TIMELINE_BODY}$function$;
revoke all on function intendant.begin_timeline(bigint) from public;
`;

/** Whether changes up to this number may have been lost with their timeline. */
export const IS_LOST = `
select exists (select from intendant.log_timeline where $1::bigint > lost_after and $1::bigint <= lost_until) as "isLost"`;
