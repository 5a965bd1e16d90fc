/**
 * Settings that a server, a database or a login may change, with the values that the framework's schema code requires:
 * the format in which Postgres prints stored definitions (which are compared with the wanted ones), how it parses SQL,
 * and how it executes a `create`.
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

/** Sets those that this server knows, for the rest of the transaction. The values are constants, so no parameters are needed. */
export const SET_KNOWN_SETTINGS = `
  select pg_catalog.set_config(s.name, k.value, true)
  from (values ${Object.entries(KNOWN)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(', ')}) as k (name, value)
  join pg_catalog.pg_settings s on pg_catalog.lower(s.name) operator(pg_catalog.=) k.name`;
