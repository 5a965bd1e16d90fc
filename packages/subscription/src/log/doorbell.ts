import { DOORBELL_CHANNEL } from './names.ts';
import { TIMELINE } from './timeline.ts';

/**
 * The mode that the leading relay sets for writers. It is stored as the last value of a sequence: every transaction
 * reads the current value, whatever its snapshot, and only the service role may set it. An advisory lock would also
 * work, but any role may take one.
 */
export const DOORBELL = `'intendant.doorbell'::pg_catalog.regclass`;

/** No relay leads, so writers need not notify. */
const NO_LEADER = 0;
/** Writers notify the relay, and send their changes. */
export const RINGS = 1;
/** Writers are silent; the relay polls. */
const SILENT = 2;

const set = (mode: number): string => `select setval('intendant.doorbell', ${mode});`;

export const LET_RING = set(RINGS);
export const KEEP_SILENT = set(SILENT);
export const LEAVE = set(NO_LEADER);

export const DOORBELL_SEQUENCE = 'create sequence intendant.doorbell as int minvalue 0 maxvalue 2 start 0;';

/**
 * When a writer last appended with `synchronous_commit = off`, in seconds since 1970. Its commit is visible before it is on
 * disk. If its change were delivered then, a crash of the server would lose the change, and its number would be used
 * again: a subscriber that has passed the number would miss the later change.
 */
const UNFLUSHED = `'intendant.unflushed'::pg_catalog.regclass`;
const NOW = 'extract(epoch from clock_timestamp())::bigint';

export const UNFLUSHED_SEQUENCE = 'create sequence intendant.unflushed as bigint;';

/**
 * SQL: whether the log may have changes that are not on disk. Such a writer counts for a day, because its transaction may
 * stay open for long.
 */
export const MAY_BE_UNFLUSHED = `(pg_sequence_last_value(${UNFLUSHED}) > ${NOW} - 86400
    and pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn())`;

/** Called instead of `ring` by a writer whose commit does not wait for the disk. Only the relay announces its change. */
export const RING_UNFLUSHED_BODY = `
begin
  if coalesce(pg_sequence_last_value(${UNFLUSHED}), 0) < ${NOW} - 60 then perform setval(${UNFLUSHED}, ${NOW}); end if;
  if pg_sequence_last_value(${DOORBELL}) = ${RINGS} then perform pg_notify('${DOORBELL_CHANNEL}', ''); end if;
end
`;

/** A change as JSON, from a row `l` of the log; announcement.ts parses it. */
export const CHANGE_JSON = `json_build_array(l.seq, l.table_name, l.operation, l.key, l.org_id, l.instance_id, l.revision::text,
        l.record::text, extract(epoch from l.occurred_at) * 1000, l.traceparent)::text`;

/** Postgres limits a notification to less than 8,000 bytes. */
export const MAX_BYTES = 7_700;

/**
 * Called by the append triggers, as the log's owner. A statement that changed one row announces the change itself, on a
 * channel whose name is secret; the row's number is the last one that the session took. After several rows, or a large
 * one, it only notifies the relay, which checks.
 */
export const RING_BODY = `
declare
  number bigint;
  channel text;
  payload text;
begin
  if changes = 1 then
    number := currval('intendant.change_seq');
    select a.channel || '_w', format(e'%s %s %s %s %s\\n[%s]', i.id, number - 1, number, number, ${TIMELINE}, ${CHANGE_JSON})
    into channel, payload
    from intendant.announcement a, intendant.change_log_identity i, intendant.change_log l where l.seq = number;
  end if;
  if octet_length(payload) <= ${MAX_BYTES} then perform pg_notify(channel, payload);
  else perform pg_notify('${DOORBELL_CHANNEL}', '');
  end if;
end
`;
