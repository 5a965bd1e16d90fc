import type { WireValue } from '../exchange/statement.ts';

/** Returns the values as one Postgres array in text form. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function arrayLiteral(values: readonly WireValue[]): string;
/** As `arrayLiteral`, for one property of each item. */
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

/** Values that need no quotes and cannot mean NULL: they start with a digit or minus, like numbers, dates and most ids. */
const PLAIN = /^[-0-9][-0-9a-zA-Z_.:]*$/;

/** Characters that must be escaped inside quotes. */
const SPECIAL = /["\\]/;
