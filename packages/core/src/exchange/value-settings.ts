import pg from 'pg';

/**
 * Values are exact only with certain settings, and a server, a database or a login may preset others. There are two
 * ways to override presets; the first has no cost:
 *
 * - As startup options of each connection, which take precedence over all presets. Poolers refuse or ignore them.
 * - Behind a pooler, in the statement that sets a transaction's scope; only those settings that are preset. The isolation
 *   level is set there in every case, because a default that is changed later, while the process runs, would make statuses wrong.
 *
 * Settings that do not change values are not included: TimeZone and search_path affect only the user's own SQL, and a
 * database that is set to read only remains read only.
 */

interface ValueSetting {
  readonly name: string;
  readonly value: string;
  /** Whether a current value is acceptable. Default: only an equal one. */
  readonly accepts?: (value: string) => boolean;
  /** Whether each transaction behind a pooler sets it, also if no preset is known. Default false. */
  readonly isAlwaysSet?: boolean;
}

/**
 * Most statements run without a `begin`, so they use this default level. The framework requires read committed: after
 * it waited for a lock, each statement must see what was committed before it began.
 */
export const DEFAULT_ISOLATION = 'default_transaction_isolation';

const VALUE_SETTINGS: readonly ValueSetting[] = [
  { name: 'bytea_output', value: 'hex' },
  { name: 'extra_float_digits', value: '1', accepts: (value) => Number(value) >= 1 },
  { name: 'DateStyle', value: 'ISO', accepts: (value) => value.startsWith('ISO') },
  { name: 'IntervalStyle', value: 'postgres' },
  { name: 'standard_conforming_strings', value: 'on' },
  { name: 'array_nulls', value: 'on' },
  { name: 'transform_null_equals', value: 'off' },
  { name: 'row_security', value: 'on' },
  { name: 'quote_all_identifiers', value: 'off' },
  { name: DEFAULT_ISOLATION, value: 'read committed', isAlwaysSet: true },
  // This one is for speed, not for values: functions that disable sequential scans have plans of enormous estimated cost, and Postgres compiles such a
  // plan at each call. Measured on a busy machine: 1,200 ms for an intent, and 9 ms without.
  { name: 'jit', value: 'off' },
];

/** One setting, as `set_config` takes it. */
export type Setting = readonly [name: string, value: string];

/**
 * Returns the connection with the settings appended to its startup options. pg prefers the fields of a URL to separate
 * fields, so `options` is removed from the URL.
 */
export function withValueSettings(connection: pg.ClientConfig, more: readonly Setting[] = []): pg.ClientConfig {
  const { options, ...rest } = splitOptions(connection);
  const own = [...VALUE_SETTINGS.map(({ name, value }): Setting => [name, value]), ...more];
  const all = [options ?? process.env['PGOPTIONS'], ...own.map(startupOption)].filter((option) => option !== undefined);
  return { ...rest, client_encoding: 'UTF8', options: all.join(' ') };
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS */
const startupOption = ([name, value]: Setting): string => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`;

function splitOptions(connection: pg.ClientConfig): pg.ClientConfig {
  if (!connection.connectionString?.includes('options=')) return connection;
  const url = new URL(connection.connectionString);
  const options = url.searchParams.get('options') ?? connection.options;
  url.searchParams.delete('options');
  return { ...connection, connectionString: url.href, ...(options !== undefined && { options }) };
}

/** SQL that sets them for the rest of a session, where no pooler shares sessions. */
export const SET_VALUE_SETTINGS = VALUE_SETTINGS.map(
  ({ name, value }) => `set ${name} = ${pg.escapeLiteral(value)}`,
).join('; ');

/**
 * Examines a connection, made with `withValueSettings` or without. Returns the settings that each transaction must set:
 * none if the startup options are in effect; otherwise those that differ now, those that the database or the login
 * presets for new connections, the isolation level, and `more`.
 */
export async function readSettingsToSet(
  client: Pick<pg.ClientBase, 'query'>,
  more: readonly Setting[] = [],
): Promise<Setting[]> {
  const names = [...VALUE_SETTINGS, ...more.map(([name]) => ({ name }))].map(({ name }) => name);
  const { rows } = await client.query<SettingRow>(READ_SETTINGS, [names]);
  const byName = new Map(rows.map((row) => [row.name, row]));
  const own = VALUE_SETTINGS.filter((setting) => isToSet(setting, byName.get(setting.name)));
  const others = more.filter(([name]) => byName.get(name)?.source !== 'client');
  return [...others, ...own.map(({ name, value }): Setting => [name, value])];
}

interface SettingRow {
  readonly name: string;
  readonly value: string;
  /** `client` means a startup option. */
  readonly source: string;
  readonly is_preset: boolean;
}

const READ_SETTINGS = `
  select s.name, current_setting(s.name) as value, s.source, exists (
    select from pg_catalog.pg_db_role_setting p
    where p.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
      and p.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
      and exists (select from unnest(p.setconfig) c where starts_with(lower(c), lower(s.name) || '='))
  ) as is_preset
  from pg_catalog.pg_settings s
  where s.name = any ($1)`;

function isToSet(setting: ValueSetting, row: SettingRow | undefined): boolean {
  if (!row || row.source === 'client') return false;
  return (
    setting.isAlwaysSet === true || row.is_preset || !(setting.accepts?.(row.value) ?? row.value === setting.value)
  );
}
