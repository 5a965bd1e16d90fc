import { ConfigurationError } from '@intendant/core';
import { type DataStoreInternals, quoteLiteral, type RegisteredTable } from '@intendant/core/internal';
import type { Position } from '../position.ts';
import { serviceQuery } from '../service-query.ts';
import { DOORBELL_CHANNEL, loggedName } from './names.ts';
import type { SourceKind } from './source-kind.ts';

/**
 * The code of a log entry that `register` writes when it takes a table out of the feed (`feed: false`). Processes of an
 * older release may still follow the table. When they read the entry, their subscriptions end with an error. If the
 * table is back in the feed by then, they are reset instead, because the changes in between are not in the log.
 */
export const FEED_END = 'x';

/** The SQL that writes the entry and has it announced. */
export const appendFeedEnd = (table: RegisteredTable): string[] => [
  `insert into intendant.change_log (table_name, operation, key) values (${quoteLiteral(loggedName(table))}, '${FEED_END}', '{}')`,
  `select pg_notify('${DOORBELL_CHANNEL}', '')`,
];

/** By name in the catalog, because `to_regclass` fails for a role that may not use the table's schema. */
const HAS_TRIGGER = `select from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2 and t.tgname = 'intendant_append_insert'`;
const IS_REPLICATED = 'select from intendant.replicated_table where table_name = $1';

/** Whether the database adds the table's changes to the log. */
export async function isFed(
  internals: DataStoreInternals,
  source: SourceKind,
  table: RegisteredTable,
): Promise<boolean> {
  const { rowCount } =
    source === 'triggers'
      ? await serviceQuery(internals, HAS_TRIGGER, [table.schemaName, table.name])
      : await serviceQuery(internals, IS_REPLICATED, [loggedName(table)]);
  return rowCount === 1;
}

/** The error of a subscription to a table that another process took out of the feed. `position`: of the last entry. */
export const feedEnded = (table: string, position?: Position): ConfigurationError =>
  new ConfigurationError(
    `${table}: the table was taken out of the feed (a newer release defines it with feed: false), so its later changes are not delivered`,
    { details: { table, ...(position !== undefined && { position }) } },
  );
