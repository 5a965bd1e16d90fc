import type { WireValue } from '../exchange/statement.ts';

/** Values as one Postgres array in text form. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function arrayLiteral(values: readonly WireValue[]): string;
/** The same for what each item holds, without a list of it in between. */
export function arrayLiteral<Item>(items: readonly Item[], textOf: (item: Item) => WireValue): string;
export function arrayLiteral<Item>(
  items: readonly Item[],
  textOf: (item: Item) => WireValue = (item) => item as WireValue,
): string {
  let literal = '{';
  for (let index = 0; index < items.length; index++) {
    if (index > 0) literal += ',';
    literal += element(textOf(items[index] as Item));
  }
  return `${literal}}`;
}

function element(value: WireValue): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return `"\\\\x${value.toString('hex')}"`;
  if (PLAIN.test(value)) return value;
  return SPECIAL.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
}

/** Needs no quotes, and cannot be mistaken for NULL: starts with a digit or minus, as numbers, dates and most ids do. */
const PLAIN = /^[-0-9][-0-9a-zA-Z_.:]*$/;

/** Has a meaning between quotes too. */
const SPECIAL = /["\\]/;
