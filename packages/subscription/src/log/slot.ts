import { hash } from 'node:crypto';

/** A durable name's work is dealt out in this many parts: as many processes at most share it. */
export const SLOTS = 32;

const SEPARATOR = '\u001f';

/** What tells a row of a table from all others, in one string. */
export const identityOf = (orgId: string | null, instanceId: string | null, key: readonly string[]): string =>
  [orgId, instanceId, ...key].filter((part) => part !== null).join(SEPARATOR);

/** All changes of one row are in one slot. The database computes the same in `SLOT_OF_ENTRY`. */
export const slotOf = (identity: string): number =>
  Number.parseInt(hash('sha256', identity, 'hex').slice(0, 2), 16) % SLOTS;

/*
 * A digest rather than Postgres' own hash functions, which may differ from release to release: slots have cursors of
 * their own, and a row that changed slots could be skipped.
 */
export const SLOT_OF_ENTRY = `get_byte(sha256(convert_to(concat_ws(chr(31), org_id, instance_id, array_to_string(key, chr(31))), 'UTF8')), 0) % ${SLOTS}`;
