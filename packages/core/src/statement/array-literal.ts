import type { WireValue } from '../exchange/statement.ts';

/** Values as one Postgres array in text form. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export const arrayLiteral = (values: readonly WireValue[]): string => `{${values.map(element).join(',')}}`;

function element(value: WireValue): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return `"\\\\x${value.toString('hex')}"`;
  return PLAIN.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** Needs no quotes, and cannot be mistaken for NULL: starts with a digit or minus, as numbers, dates and most ids do. */
const PLAIN = /^[-0-9][-0-9a-zA-Z_.:]*$/;
