/**
 * Settings that a server, database or login may preset, with the values that the framework's schema work counts on:
 * how Postgres prints what it stores (which is compared with what is wanted), how it reads what is sent, and what it
 * makes of a `create`.
 */
const KNOWN: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog, pg_temp',
  quote_all_identifiers: 'off',
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  row_security: 'on',
  check_function_bodies: 'on',
  default_table_access_method: 'heap',
  createrole_self_grant: '',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  transaction_timeout: '0',
};

/** Sets them for the rest of the transaction, those that this server knows. Values are constants, so no parameter is needed. */
export const SET_KNOWN_SETTINGS = `
  select pg_catalog.set_config(s.name, k.value, true)
  from (values ${Object.entries(KNOWN)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(', ')}) as k (name, value)
  join pg_catalog.pg_settings s on pg_catalog.lower(s.name) operator(pg_catalog.=) k.name`;
