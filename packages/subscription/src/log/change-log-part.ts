import type { DbRole } from '@intendant/core';
import { DB_ROLES } from '@intendant/core';
import {
  type DataStoreInternals,
  quoteIdentifier,
  type RegisteredTable,
  type SchemaPart,
} from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import {
  appendFunctionBody,
  appendTriggers,
  CARRIES_RECORD,
  createAppendFunction,
  createTruncateFunction,
} from './append-trigger.ts';
import { KEEP_BODY, KEEP_FUNCTION, LOG_SCHEMA } from './log-schema.ts';
import { appendFunction } from './names.ts';

export interface ChangeLogPartOptions {
  readonly internals: DataStoreInternals;
  /** Names of tables whose feed carries rows, in addition to those that do already. */
  readonly recordTables: ReadonlySet<string>;
  readonly partitionSize: number;
}

/** Installs the log, its rights and every registered table's triggers. */
export function changeLogPart(options: ChangeLogPartOptions): SchemaPart {
  return {
    name: 'subscription',
    plan: async (client, tables) => {
      const login = await options.internals.loginName();
      const log = await planLog(client, options.partitionSize);
      const rights = await planRights(client, login, options.internals.roleName);
      const triggers: string[] = [];
      for (const table of tables)
        triggers.push(...(await planTriggers(client, table, options.recordTables.has(table.name))));
      return [...log, ...rights, ...triggers];
    },
  };
}

async function planLog(client: ClientBase, partitionSize: number): Promise<string[]> {
  const { rows } = await client.query<{ isThere: boolean; keepBody: string | null }>(
    `select to_regclass('intendant.change_log') is not null as "isThere",
       (select prosrc from pg_proc where oid = to_regprocedure('intendant.keep_change_log(interval, bigint)')) as "keepBody"`,
  );
  const isThere = rows[0]?.isThere ?? false;
  return [
    ...(isThere ? [] : [LOG_SCHEMA]),
    ...(rows[0]?.keepBody === KEEP_BODY ? [] : [KEEP_FUNCTION]),
    ...(isThere ? [] : [`select intendant.keep_change_log('100 years', ${partitionSize})`]),
  ];
}

/** The login reads the log as a whole; a tenant's role what row security shows it. */
async function planRights(client: ClientBase, login: string, roleName: (role: DbRole) => string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select policyname as name from pg_policies where schemaname = 'intendant' and tablename = 'change_log'`,
  );
  const have = new Set(rows.map(({ name }) => name));
  const readers = [
    { name: login, condition: 'true' },
    ...DB_ROLES.map((role) => ({ name: roleName(role), condition: condition(role) })),
  ].filter(({ name }) => !have.has(name));
  const isLoginNew = readers.some(({ name }) => name === login);
  return [
    ...readers.flatMap(({ name, condition: using }) => grantRead(name, using)),
    ...(isLoginNew ? grantWork(login) : []),
  ];
}

const grantRead = (name: string, using: string): string[] => [
  `grant usage on schema intendant to ${quoteIdentifier(name)}`,
  `grant select on intendant.change_log, intendant.change_log_identity to ${quoteIdentifier(name)}`,
  `create policy ${quoteIdentifier(name)} on intendant.change_log for select to ${quoteIdentifier(name)} using (${using})`,
];

const grantWork = (login: string): string[] => [
  `grant select on intendant.change_seq to ${quoteIdentifier(login)}`,
  `grant usage on intendant.member_seq to ${quoteIdentifier(login)}`,
  `grant select, insert, update, delete on intendant.durable_subscription, intendant.cursor, intendant.cursor_member,
     intendant.acknowledged, intendant.dead_letter to ${quoteIdentifier(login)}`,
  `grant execute on function intendant.keep_change_log(interval, bigint) to ${quoteIdentifier(login)}`,
];

/** As on the tables: a column the table lacks is null here, and holds nobody off. */
function condition(role: DbRole): string {
  const matches = (column: string, setting: string) =>
    `(${column} is null or ${column} = (select nullif(current_setting('${setting}', true), '')))`;
  const conditions = [
    ...(role.startsWith('tenant_') ? [matches('org_id', 'intendant.org_id')] : []),
    ...(role.includes('instance_') ? [matches('instance_id', 'intendant.instance_id')] : []),
  ];
  return conditions.join(' and ') || 'true';
}

async function planTriggers(client: ClientBase, table: RegisteredTable, wantsRecord: boolean): Promise<string[]> {
  const { rows } = await client.query<{ body: string | null; triggers: string[] }>(
    `select (select prosrc from pg_proc where oid = to_regprocedure($1)) as body,
       array(select tgname::text from pg_trigger where tgrelid = to_regclass($2) and tgname like 'intendant_append_%' and tgenabled <> 'D') as triggers`,
    [`${appendFunction(table)}()`, table.qualifiedName],
  );
  const live = rows[0] as { body: string | null; triggers: string[] };
  const carriesRecord = wantsRecord || (live.body?.includes(CARRIES_RECORD) ?? false);
  const isCurrent = live.body === appendFunctionBody(table, carriesRecord);
  return [
    ...(isCurrent ? [] : [createAppendFunction(table, carriesRecord), createTruncateFunction(table, carriesRecord)]),
    ...Object.entries(appendTriggers(table)).flatMap(([name, definition]) =>
      live.triggers.includes(name) ? [] : [`drop trigger if exists ${name} on ${table.qualifiedName}`, definition],
    ),
  ];
}
