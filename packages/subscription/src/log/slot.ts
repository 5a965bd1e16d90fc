// A default import, because Node 18 has no `hash`: the program must start there to report that Node is too old.
import crypto from 'node:crypto';

/** Number of slots of a durable name, and so the largest number of processes that can share its work. */
export const SLOTS = 32;

const SEPARATOR = '\u001f';

/** Identifies a row within its table, as one string. */
export const identityOf = (orgId: string | null, instanceId: string | null, key: readonly string[]): string =>
  [orgId, instanceId, ...key].filter((part) => part !== null).join(SEPARATOR);

/** All changes of one row have the same slot. The database computes the same function in `SLOT_OF_ENTRY`. */
export const slotOf = (identity: string): number =>
  Number.parseInt(crypto.hash('sha256', identity, 'hex').slice(0, 2), 16) % SLOTS;

/**
 * Uses a digest, because Postgres' own hash functions may differ between releases. Each slot has its own cursor, so a
 * row whose slot changed could be skipped.
 */
export const SLOT_OF_ENTRY = `get_byte(sha256(convert_to(concat_ws(chr(31), org_id, instance_id, array_to_string(key, chr(31))), 'UTF8')), 0) % ${SLOTS}`;
