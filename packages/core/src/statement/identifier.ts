import { createHash } from 'node:crypto';
import pg from 'pg';

/** Postgres silently cuts identifiers at this many bytes, so longer ones are never sent. */
export const MAX_IDENTIFIER_BYTES = 63;

/** Quotes an identifier. Every identifier in SQL goes through this function. */
export const quoteIdentifier = pg.escapeIdentifier;

/** Quotes a literal, only for DDL, which takes no parameters. Independent of `standard_conforming_strings`. */
export const quoteLiteral = pg.escapeLiteral;

export const qualifiedName = (schemaName: string, name: string): string =>
  `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`;

/** Joins the parts with `_`. A name that is too long for Postgres keeps its start and gets a hash of the whole name. */
export function derivedName(...parts: readonly string[]): string {
  const name = parts.join('_');
  if (Buffer.byteLength(name) <= MAX_IDENTIFIER_BYTES) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `${cutToBytes(name, MAX_IDENTIFIER_BYTES - hash.length - 1)}_${hash}`;
}

function cutToBytes(text: string, bytes: number): string {
  let cut = '';
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    cut += character;
  }
  return cut;
}
