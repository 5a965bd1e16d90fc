import { createHash } from 'node:crypto';
import pg from 'pg';

/** Postgres cuts identifiers at this many bytes, silently; we never let it. */
export const MAX_IDENTIFIER_BYTES = 63;

/** The one way an identifier gets into SQL. */
export const quoteIdentifier = pg.escapeIdentifier;

/** For DDL alone, which takes no parameters. Independent of `standard_conforming_strings`. */
export const quoteLiteral = pg.escapeLiteral;

export const qualifiedName = (schemaName: string, name: string): string =>
  `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`;

/** Parts joined by `_`, never longer than Postgres takes: what is too long keeps its start and gets a hash of the whole. */
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
