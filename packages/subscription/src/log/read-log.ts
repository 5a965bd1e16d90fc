import {
  arrayLiteral,
  type DataStoreInternals,
  type RegisteredTable,
  type Scope,
  serviceScope,
} from '@intendant/core/internal';
import type { Operation } from '../change.ts';
import { FEED_END } from './feed-end.ts';
import { codesOf, type LogEntry, type NumberedChange, toNumberedChange } from './log-entry.ts';
import { loggedName } from './names.ts';
import { SLOT_OF_ENTRY } from './slot.ts';
import { isSameLog, type LogVersion, logNotAnnounced, TIMELINE } from './timeline.ts';

/** The most changes that are read at once. It limits the memory that a slow subscriber needs. */
export const PAGE_SIZE = 1_000;

/** Which changes to read, and under which scope. */
export interface LogView {
  readonly tables: readonly RegisteredTable[];
  readonly operations: readonly Operation[];
  /** Row security applies under this scope. Undefined: changes of all tenants. */
  readonly scope: Scope | undefined;
  /** Returns whether a change is wanted. Default: all are. */
  readonly matches?: ((numbered: NumberedChange) => boolean) | undefined;
  /** The generation of the horizon to which the first place belongs. Default: the current one. */
  readonly generation?: number;
  /** Only changes of these slots. Default: all. */
  readonly slots?: readonly number[] | undefined;
}

/** A range of the log: beyond `after`, up to `until`, at most `limit` changes. */
export interface LogRange {
  readonly after: number;
  readonly until: number;
  readonly limit: number;
}

export interface LogPage {
  readonly changes: readonly NumberedChange[];
  /** The log no longer contains all changes up to this number. */
  readonly trimmed: number;
}

/**
 * This is one statement, because one snapshot, taken after the partitions were locked, shows both the content of the
 * log and how far it was trimmed. So a partition that is dropped meanwhile is noticed.
 */
const readStatement = (condition: string): string => `
select i.trimmed_seq::text, l.seq::text, l.table_name, l.operation::text, array_to_json(l.key)::text, l.org_id,
  l.instance_id, l.revision::text, l.record::text, (extract(epoch from l.occurred_at) * 1000)::text, l.traceparent,
  i.id, (select ${TIMELINE})
from intendant.change_log_identity i left join lateral (
  select * from intendant.change_log
  where seq > $1::bigint and seq <= $2::bigint and table_name = any($3::text[])
    and (operation = '${FEED_END}' or operation = any($4::text[]::"char"[]) ${condition})
  order by seq limit $5::int
) l on true
order by l.seq`;

const READ_ALL = readStatement('');
const READ_SLOTS = readStatement(`and ${SLOT_OF_ENTRY} = any($6::int[])`);

/**
 * Returns the next page of changes of a settled range. Rejects if the database's log is another one: the range is settled
 * in the log that was announced, and a failover may have come between.
 */
export async function readLog(
  internals: DataStoreInternals,
  log: LogVersion,
  view: LogView,
  { after, until, limit }: LogRange,
): Promise<LogPage> {
  const values = [
    String(after),
    String(until),
    arrayLiteral(view.tables.map(loggedName)),
    arrayLiteral(codesOf(view.operations)),
    String(limit),
    ...(view.slots ? [arrayLiteral(view.slots.map(String))] : []),
  ];
  const page = { name: 'read-log', text: view.slots ? READ_SLOTS : READ_ALL, values };
  const { rows } = (await internals.executor.run(view.scope ?? serviceScope, { page })).page;
  checkVersion(log, rows[0]);
  const tables = new Map(view.tables.map((table) => [loggedName(table), table]));
  const entries = rows.filter((row) => row[1] !== null).map(toEntry);
  return {
    changes: entries.map((entry) => toNumberedChange(log.logId, tables.get(entry.tableName) as RegisteredTable, entry)),
    trimmed: Number(rows[0]?.[0]),
  };
}

/** The statement returns at least one row. */
function checkVersion(log: LogVersion, row: readonly (string | null)[] | undefined): void {
  const found = { logId: row?.[11] ?? '', timeline: row?.[12] ?? '' };
  if (!isSameLog(found, log)) throw logNotAnnounced();
}

const toEntry = (row: readonly (string | null)[]): LogEntry => ({
  sequence: Number(row[1]),
  tableName: row[2] as string,
  operation: row[3] as string,
  key: JSON.parse(row[4] as string) as string[],
  orgId: row[5] ?? null,
  instanceId: row[6] ?? null,
  revision: row[7] ?? null,
  record: row[8] ?? null,
  occurredAt: new Date(Number(row[9])),
  traceparent: row[10] ?? null,
});
