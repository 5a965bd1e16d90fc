import { DOORBELL_CHANNEL } from './names.ts';

/*
 * What the leading relay wants of writers. It is kept as the last value of a sequence: every transaction reads the present value,
 * whatever its snapshot, and only the service role may set it. An advisory lock would do the same, but every role may take
 * one.
 */
export const DOORBELL = `'intendant.doorbell'::pg_catalog.regclass`;

/** No relay leads: there is none to wake. */
const NOBODY = 0;
/** Writers ring, and tell their changes. */
export const RINGS = 1;
/** The relay looks by itself. */
const SILENT = 2;

const set = (wish: number): string => `select setval('intendant.doorbell', ${wish});`;

export const LET_RING = set(RINGS);
export const KEEP_SILENT = set(SILENT);
export const LEAVE = set(NOBODY);

export const DOORBELL_SEQUENCE = 'create sequence intendant.doorbell as int minvalue 0 maxvalue 2 start 0;';

/** A change as JSON, of a row `l` of the log; read by announcement.ts. */
export const CHANGE_JSON = `json_build_array(l.seq, l.table_name, l.operation, l.key, l.org_id, l.instance_id, l.revision::text,
        l.record::text, extract(epoch from l.occurred_at) * 1000)::text`;

/** A notification holds less than 8,000 bytes. */
export const MOST_BYTES = 7_700;

/**
 * Called by the append triggers, as the log's owner. A statement that changed one row announces the change itself, on a channel
 * whose name is secret: the row's number is the session's last one. Where there are more rows, or a large one, the relay looks.
 */
export const RING_BODY = `
declare
  number bigint;
  channel text;
  payload text;
begin
  if changes = 1 then
    number := currval('intendant.change_seq');
    select a.channel || '_w', format(e'%s %s %s %s\\n[%s]', i.id, number - 1, number, number, ${CHANGE_JSON})
    into channel, payload
    from intendant.announcement a, intendant.change_log_identity i, intendant.change_log l where l.seq = number;
  end if;
  if octet_length(payload) <= ${MOST_BYTES} then perform pg_notify(channel, payload);
  else perform pg_notify('${DOORBELL_CHANNEL}', '');
  end if;
end
`;
