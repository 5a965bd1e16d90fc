import type { Column } from '@intendant/core/internal';

/** SQL for the value of a key as text. It is independent of the settings of the connection. All names are qualified, for triggers. */
export function keyText({ format }: Column, value: string): string {
  if (format.sqlType.startsWith('timestamp'))
    return `pg_catalog.to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;
  if (format.sqlType === 'bytea') return `pg_catalog.encode(${value}, 'hex')`;
  return `${value}::pg_catalog.text`;
}

/**
 * A value of an identity as stored in jobs: a text that Postgres parses as the same value, and exactly one text for
 * each value, whatever the settings of the connection. Two spellings would cause two jobs for one resource.
 */
export function identityText({ format }: Column, value: string): string {
  if (format.sqlType.startsWith('timestamp'))
    return `to_char(${value} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"+00"')`;
  if (format.sqlType === 'bytea') return `'\\x' || encode(${value}, 'hex')`;
  return `${value}::text`;
}
