import { quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';

type Column = RegisteredTable['columns'][number];

/**
 * A trigger function runs with the settings of the writing session. These expressions return the same text under all
 * settings: DateStyle, TimeZone, bytea_output, and a search_path that puts other functions and operators first. The
 * text is what a session with ISO dates, UTC and hexadecimal bytes would print.
 *
 * The number of digits of a `double precision` depends on extra_float_digits, and no expression avoids that. Functions
 * of tables with such a column set it (see `settingsFor`).
 */
const TEXT_OF: Readonly<Record<string, (value: string) => string>> = {
  text: (value) => value,
  boolean: (value) => `case when ${value} then 't' when not ${value} then 'f' end`,
  bytea: (value) => `e'\\\\x' operator(pg_catalog.||) pg_catalog.encode(${value}, 'hex')`,
  'timestamp(3) with time zone': timestampText,
};

export const columnText = ({ name, format }: Column, alias: string): string => {
  const value = `${alias}.${quoteIdentifier(name)}`;
  return TEXT_OF[format.sqlType]?.(value) ?? `${value}::pg_catalog.text`;
};

/** Whether the text of some column depends on extra_float_digits. */
export const needsFloatDigits = (columns: readonly Column[]): boolean =>
  columns.some(({ format }) => /^(double precision|real)/.test(format.sqlType));

/** `to_char` cannot format infinity, and prints years before year 1 without a sign. */
function timestampText(value: string): string {
  const inUtc = `pg_catalog.to_char(pg_catalog.timezone('UTC', ${value}), 'YYYY-MM-DD HH24:MI:SS.MS"+00"')`;
  return `case when ${value} operator(pg_catalog.>=) '0001-01-01 00:00:00+00'::pg_catalog.timestamptz and pg_catalog.isfinite(${value}) then ${inUtc}
    when pg_catalog.isfinite(${value}) then ${inUtc} operator(pg_catalog.||) ' BC' else ${value}::pg_catalog.text end`;
}
