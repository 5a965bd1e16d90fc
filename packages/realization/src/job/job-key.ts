import { createHash } from 'node:crypto';

/**
 * pg-boss takes only [A-Za-z0-9_.\-/] in queue names and singleton keys. Ids are encoded, not stripped: two resources
 * whose ids differ in a stripped character would share one job, and one of them would never be realized.
 *
 * A plain id stays readable. Any other becomes a dot and the hex of its UTF-8; a long one becomes two dots and its
 * hash. A plain id contains no dot, so different ids have different keys. `intendant.job_key_part` does the same in
 * SQL; a test compares the two.
 */

const PLAIN = /^[A-Za-z0-9_-]{1,200}$/;
const MAX_HEX_BYTES = 200;

export function encodeKeyPart(text: string): string {
  if (PLAIN.test(text)) return text;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= MAX_HEX_BYTES) return `.${bytes.toString('hex')}`;
  return `..${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The key of a resource in a queue: org, instance and key as texts, in the order of the table's identity. */
export const jobKey = (identity: readonly string[]): string => identity.map(encodeKeyPart).join('/');

/** The queue of one table at one enforcement point. */
export const queueName = (schemaName: string, tableName: string, enforcementPoint: string): string =>
  [schemaName, tableName, enforcementPoint].map(encodeKeyPart).join('/');
