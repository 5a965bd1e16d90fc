import type { Column } from '@intendant/core/internal';

/** A key's value as text, in SQL: the same whatever the settings of the connection that writes it or looks for it. Qualified, for triggers. */
export function keyText({ format }: Column, value: string): string {
  if (format.sqlType.startsWith('timestamp'))
    return `pg_catalog.to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;
  if (format.sqlType === 'bytea') return `pg_catalog.encode(${value}, 'hex')`;
  return `${value}::pg_catalog.text`;
}

/**
 * A value of an identity as it stands in jobs: a text that Postgres reads back as the same value, and one text for one
 * value, whatever the settings of the connection. Two spellings would make two jobs of one resource.
 */
export function identityText({ format }: Column, value: string): string {
  if (format.sqlType.startsWith('timestamp'))
    return `to_char(${value} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"+00"')`;
  if (format.sqlType === 'bytea') return `'\\x' || encode(${value}, 'hex')`;
  return `${value}::text`;
}
