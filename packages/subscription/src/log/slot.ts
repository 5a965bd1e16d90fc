import { hash } from 'node:crypto';

/** Number of parts of a durable name's work, and so the most processes that can share it. */
export const SLOTS = 32;

const SEPARATOR = '\u001f';

/** The identity of a row within its table, as one string. */
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
