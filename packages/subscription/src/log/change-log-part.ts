import { ConfigurationError } from '@intendant/core';
import type { DataStoreInternals, RegisteredTable, SchemaPart } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import type { Logger } from 'pino';
import { planNodes } from '../replication/nodes/node-schema.ts';
import {
  planReplicatedTable,
  planUnreplicatedTable,
  REPLICATION_SCHEMA,
  truncateMessageBody,
} from '../replication/replicated-table.ts';
import { planAnnouncements } from './announce-schema.ts';
import {
  appendFunctionBody,
  appendTriggers,
  CARRIES_RECORD,
  createAppendFunction,
  createTruncateFunction,
  TRUNCATE_TRIGGER,
  truncateFunctionBody,
  truncateTrigger,
} from './append-trigger.ts';
import { appendFeedEnd } from './feed-end.ts';
import { feedObjects } from './feed-objects.ts';
import {
  ADD_EPOCHS,
  ADD_MEMBER_PIDS,
  ADD_TRACES,
  KEEP_BODY,
  KEEP_FUNCTION,
  LOG_SCHEMA,
  RELAY_LEADER,
} from './log-schema.ts';
import { appendFunction, loggedName, truncateFunction } from './names.ts';
import type { SourceKind } from './source-kind.ts';
import { BEGIN_TIMELINE, BEGIN_TIMELINE_BODY, TIMELINE_TABLE } from './timeline.ts';

export interface ChangeLogPartOptions {
  readonly internals: DataStoreInternals;
  /** Names of tables whose feed is to carry rows, in addition to those whose feed already does. */
  readonly records: ReadonlySet<string>;
  readonly partitionSize: number;
  readonly source: SourceKind;
}

/** Installs the log, its rights and every registered table's triggers. */
export function changeLogPart(options: ChangeLogPartOptions): SchemaPart {
  return {
    name: 'subscription',
    plan: async (client, tables) => {
      const log = await planLog(client, options);
      const triggers: string[] = [];
      for (const table of tables) triggers.push(...(await planSource(client, table, options)));
      const nodes = options.internals.isDistributed ? await planNodes(client) : [];
      return [...log, ...(await planAnnouncements(client)), ...nodes, ...triggers];
    },
    objects: async (_client, tables) => {
      const fedTables = tables.filter(({ definition }) => definition.feed);
      return [feedObjects(fedTables, options.source, options.internals.isDistributed)];
    },
    warn: warnOfFollowers,
  };
}

interface LiveLog {
  readonly isThere: boolean;
  readonly hasEpochs: boolean;
  readonly hasLeader: boolean;
  readonly hasPids: boolean;
  readonly hasTraces: boolean;
  readonly hasTimelines: boolean;
  readonly keepBody: string | null;
  readonly beginBody: string | null;
}

async function planLog(client: ClientBase, { partitionSize, source }: ChangeLogPartOptions): Promise<string[]> {
  const { rows } = await client.query<LiveLog>(
    `select to_regclass('intendant.change_log') is not null as "isThere",
       to_regclass('intendant.slot_epoch_seq') is not null as "hasEpochs",
       to_regclass('intendant.relay_leader') is not null as "hasLeader",
       exists (select from pg_attribute where attrelid = to_regclass('intendant.cursor_member') and attname = 'pid') as "hasPids",
       exists (select from pg_attribute where attrelid = to_regclass('intendant.change_log') and attname = 'traceparent') as "hasTraces",
       to_regclass('intendant.log_timeline') is not null as "hasTimelines",
       (select prosrc from pg_proc where oid = to_regprocedure('intendant.begin_timeline(bigint)')) as "beginBody",
       (select prosrc from pg_proc where oid = to_regprocedure('intendant.keep_change_log(interval, bigint)')) as "keepBody"`,
  );
  const { isThere, hasEpochs, hasPids, hasTraces, hasLeader, hasTimelines, keepBody, beginBody } = rows[0] as LiveLog;
  await (isThere ? checkSource(client, source) : checkWalLevel(client, source));
  return [
    ...(isThere
      ? []
      : [
          LOG_SCHEMA,
          `insert into intendant.change_log_identity (source) values ('${source}')`,
          ...(source === 'replication' ? [REPLICATION_SCHEMA] : []),
        ]),
    ...(isThere && !hasEpochs ? [ADD_EPOCHS] : []),
    ...(isThere && !hasPids ? [ADD_MEMBER_PIDS] : []),
    ...(hasTraces ? [] : [ADD_TRACES]),
    ...(hasLeader ? [] : [RELAY_LEADER]),
    ...(hasTimelines ? [] : [TIMELINE_TABLE]),
    ...(beginBody === BEGIN_TIMELINE_BODY ? [] : [BEGIN_TIMELINE]),
    ...(keepBody === KEEP_BODY ? [] : [KEEP_FUNCTION]),
    ...(isThere ? [] : [`select intendant.keep_change_log('100 years', ${partitionSize})`]),
  ];
}

/** With both sources the log would contain each change twice. */
async function checkSource(client: ClientBase, source: SourceKind): Promise<void> {
  const { rows } = await client.query<{ source: string }>('select source from intendant.change_log_identity');
  if (rows[0]?.source === source) return;
  throw new ConfigurationError(
    `createSubscriptions: this database's feed comes from ${rows[0]?.source}, not from ${source}; all processes must use the same source`,
  );
}

async function checkWalLevel(client: ClientBase, source: SourceKind): Promise<void> {
  if (source !== 'replication') return;
  const { rows } = await client.query<{ level: string }>(`select current_setting('wal_level') as level`);
  if (rows[0]?.level === 'logical') return;
  throw new ConfigurationError(
    `createSubscriptions: replication needs a server with wal_level = logical, and it is ${rows[0]?.level}; change the setting and restart the server`,
  );
}

async function planSource(
  client: ClientBase,
  table: RegisteredTable,
  { source, records, internals }: ChangeLogPartOptions,
): Promise<string[]> {
  const wantsRecord = records.has(table.name);
  if (!table.definition.feed) return planNoSource(client, table, source);
  if (source === 'triggers') return planTriggers(client, table, wantsRecord);
  const truncate = await planTruncateTrigger(client, table);
  const isOnlyHere = internals.isDistributed && table.placement === 'here' && truncate.length > 0;
  return [...(await planReplicatedTable(client, table, wantsRecord)), ...(isOnlyHere ? onlyHere(truncate) : truncate)];
}

/** Citus would create the function on every node too, but the trigger of a table of the coordinator runs there alone. */
const onlyHere = (plan: readonly string[]): string[] => [
  'set local citus.enable_ddl_propagation = off',
  ...plan,
  'set local citus.enable_ddl_propagation = on',
];

/** Names that follow a table without a feed receive nothing. */
async function warnOfFollowers(client: ClientBase, tables: readonly RegisteredTable[], logger: Logger): Promise<void> {
  for (const table of tables.filter(({ definition }) => !definition.feed)) {
    const { rows } = await client.query<{ name: string }>(
      'select name from intendant.durable_subscription where table_name = $1 order by name',
      [loggedName(table)],
    );
    const names = rows.map(({ name }) => name);
    if (names.length > 0)
      logger.warn(
        { table: table.name, names },
        'durable subscriptions follow a table that is defined with feed: false: they receive no changes; remove feed: false, or remove the names with forget()',
      );
  }
}

/** For a table with `feed: false`: removes what an earlier definition with a feed created. */
async function planNoSource(client: ClientBase, table: RegisteredTable, source: SourceKind): Promise<string[]> {
  const functions = [appendFunction(table), truncateFunction(table)].map((name) => `${name}()`);
  const { rows } = await client.query<{ drop: string }>(
    `(select format('drop trigger %I on %s', tgname, $1::text) as drop from pg_trigger
      where tgrelid = to_regclass($1) and tgname like 'intendant_append_%' order by 1)
     union all
     select 'drop function ' || f from unnest($2::text[]) f where to_regprocedure(f) is not null`,
    [table.qualifiedName, functions],
  );
  const plan = [
    ...rows.map(({ drop }) => drop),
    ...(source === 'replication' ? await planUnreplicatedTable(client, table) : []),
  ];
  return plan.length === 0 ? [] : [...plan, ...appendFeedEnd(table)];
}

async function planTruncateTrigger(client: ClientBase, table: RegisteredTable): Promise<string[]> {
  const { rows } = await client.query<{ body: string | null; isThere: boolean }>(
    `select (select prosrc from pg_proc where oid = to_regprocedure($1)) as body,
       exists (select from pg_trigger where tgrelid = to_regclass($2) and tgname = '${TRUNCATE_TRIGGER}' and tgenabled <> 'D') as "isThere"`,
    [`${truncateFunction(table)}()`, table.qualifiedName],
  );
  const body = truncateMessageBody(table);
  return [
    ...(rows[0]?.body === body ? [] : [createTruncateFunction(table, body)]),
    ...(rows[0]?.isThere
      ? []
      : [`drop trigger if exists ${TRUNCATE_TRIGGER} on ${table.qualifiedName}`, truncateTrigger(table)]),
  ];
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
    ...(isCurrent
      ? []
      : [
          createAppendFunction(table, carriesRecord),
          createTruncateFunction(table, truncateFunctionBody(table, carriesRecord)),
        ]),
    ...Object.entries(appendTriggers(table)).flatMap(([name, definition]) =>
      live.triggers.includes(name) ? [] : [`drop trigger if exists ${name} on ${table.qualifiedName}`, definition],
    ),
  ];
}
