import type { Check } from './examination.ts';
import type { Finding } from './finding.ts';

const OLDEST_SERVER = 150_000;

/** The version of Postgres. */
export const checkVersions: Check = async ({ workspace }) => {
  const [server] = await workspace.query<{ number: number; version: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
  );
  if (server === undefined || server.number >= OLDEST_SERVER) return [];
  return [
    {
      check: 'version',
      severity: 'error',
      subject: `Postgres ${server.version}`,
      message: 'Intendant needs Postgres 15 or newer',
      cure: 'Upgrade the server.',
    },
  ];
};

interface Expectation {
  readonly setting: string;
  readonly isWrong: (value: string) => boolean;
  /** A right value, as in SQL. */
  readonly good: string;
  readonly severity: Finding['severity'];
  readonly why: string;
}

const EXPECTATIONS: readonly Expectation[] = [
  {
    setting: 'fsync',
    isWrong: (value) => value === 'off',
    good: 'on',
    severity: 'error',
    why: 'a crash of the machine can destroy the database',
  },
  {
    setting: 'full_page_writes',
    isWrong: (value) => value === 'off',
    good: 'on',
    severity: 'error',
    why: 'a crash of the machine can damage pages',
  },
  {
    setting: 'autovacuum',
    isWrong: (value) => value === 'off',
    good: 'on',
    severity: 'error',
    why: 'status and job tables grow without limit, and query plans become slow',
  },
  {
    setting: 'default_transaction_isolation',
    isWrong: (value) => value !== 'read committed',
    good: "'read committed'",
    severity: 'error',
    why: 'marks that wait for one another fail with serialization errors',
  },
  {
    setting: 'session_replication_role',
    isWrong: (value) => value !== 'origin',
    good: 'origin',
    severity: 'error',
    why: 'triggers do not fire, so revisions and the feed are not kept',
  },
  {
    setting: 'row_security',
    isWrong: (value) => value === 'off',
    good: 'on',
    severity: 'error',
    why: 'statements of tenants fail',
  },
];

/** Settings of the server, the database and the login, as a new connection gets them. */
export const checkSettings: Check = async ({ workspace }) => {
  const rows = await workspace.query<SettingRow>(
    `select name, setting as value, source,
       quote_ident(current_database()) as database, quote_ident(session_user) as login
     from pg_settings where name = any($1)`,
    [EXPECTATIONS.map(({ setting }) => setting)],
  );
  const live = new Map(rows.map((row) => [row.name, row]));
  return EXPECTATIONS.flatMap(({ setting, good, isWrong, severity, why }) => {
    const found = live.get(setting);
    if (found === undefined || !isWrong(found.value)) return [];
    return [
      {
        check: 'setting',
        severity,
        subject: `${setting} = ${found.value}`,
        message: why,
        cure: cureOf(found, good),
      },
    ];
  });
};

interface SettingRow {
  readonly name: string;
  readonly value: string;
  readonly source: string;
  /** Quoted, as in SQL. */
  readonly database: string;
  readonly login: string;
}

function cureOf({ name, source, database, login }: SettingRow, good: string): string {
  if (source === 'database') return `alter database ${database} reset ${name}`;
  if (source === 'user') return `alter role ${login} reset ${name}`;
  if (source === 'database user') return `alter role ${login} in database ${database} reset ${name}`;
  if (source === 'client')
    return `remove ${name} from the options of the connection (PGOPTIONS, or options in the URL)`;
  if (source === 'command line')
    return `remove ${name} from the command line of the server, which overrides its files, and restart the server`;
  // Not reset, which keeps what postgresql.conf says.
  return `alter system set ${name} = ${good}; select pg_reload_conf()`;
}

const FULL_SHARE = 0.8;

/** How many of the server's connections are in use. */
export const checkConnections: Check = async ({ workspace }) => {
  const [row] = await workspace.query<{ used: number; most: number }>(
    `select (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
       current_setting('max_connections')::int as most`,
  );
  if (row === undefined || row.used < FULL_SHARE * row.most) return [];
  return [
    {
      check: 'connections',
      severity: 'warning',
      subject: `${row.used} of ${row.most}`,
      message: 'almost all connections of the server are in use; new processes cannot connect',
      cure: 'Raise max_connections, or lower pool.max of the services.',
    },
  ];
};

/** Long transactions, which hold back the feed and vacuum. */
export const checkTransactions: Check = async ({ workspace, olderThanMs }) => {
  const rows = await workspace.query<{ pid: number; login: string; application: string; seconds: number }>(
    `select pid, usename as login, application_name as application,
       extract(epoch from clock_timestamp() - xact_start)::int as seconds
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
       and xact_start < clock_timestamp() - $1 * interval '1 ms'
     order by xact_start`,
    [olderThanMs],
  );
  return rows.map(({ pid, login, application, seconds }) => ({
    check: 'long-transaction',
    severity: 'warning',
    subject: `process ${pid} (${login}${application ? `, ${application}` : ''})`,
    message: `its transaction has been open for ${seconds} s; its changes, and all later ones, are not delivered until it ends`,
    cure: `Commit or roll back the transaction in that program, or end its connection: select pg_terminate_backend(${pid}).`,
  }));
};

/** Tables with rows that were never analyzed, or that autovacuum skips. */
export const checkStatistics: Check = async ({ workspace }) => {
  const rows = await workspace.query<{ name: string; size: string; isOff: boolean }>(
    `select format('%I.%I', n.nspname, c.relname) as name, pg_size_pretty(pg_relation_size(c.oid)) as size,
       o.is_off as "isOff"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
       select exists (
         select from pg_options_to_table(c.reloptions) where option_name = 'autovacuum_enabled' and not option_value::boolean
       ) as is_off
     ) o
     where c.relkind = 'r' and n.nspname = any (array[$1, 'intendant', 'intendant_jobs'])
       and ((c.reltuples < 0 and pg_relation_size(c.oid) > ${FEW_BYTES}) or o.is_off)
     order by pg_relation_size(c.oid) desc`,
    [workspace.schemaName],
  );
  return rows.map(({ name, size, isOff }) => ({
    check: 'not-analyzed',
    severity: 'warning',
    subject: name,
    message: isOff
      ? 'autovacuum is disabled for it; it grows without limit, and query plans become slow'
      : `it has ${size} of rows and was never analyzed, so query plans may be slow`,
    cure: isOff ? `alter table ${name} reset (autovacuum_enabled)` : `analyze ${name}`,
  }));
};

const FEW_BYTES = 256 * 1024;
