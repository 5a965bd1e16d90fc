import { type DataStoreInternals, type RegisteredTable, readRow, type Scope } from '@intendant/core/internal';
import type { Change, Operation } from '../change.ts';
import { formatPosition } from '../position.ts';
import { loggedName } from './names.ts';

/** Most changes read at once: what a subscriber that does not keep up holds in memory. */
export const PAGE_SIZE = 1_000;

const READ = `
select seq::text as seq, table_name, operation::text as operation, key, org_id, instance_id, revision::text as revision,
  record, occurred_at
from intendant.change_log
where seq > $1::bigint and seq <= $2::bigint and table_name = any($3::text[]) and operation = any($4::text[]::"char"[])
order by change_log.seq
limit ${PAGE_SIZE}`;

interface Entry {
  readonly seq: string;
  readonly table_name: string;
  readonly operation: string;
  readonly key: readonly string[];
  readonly org_id: string | null;
  readonly instance_id: string | null;
  readonly revision: string | null;
  readonly record: Readonly<Record<string, string | null>> | null;
  readonly occurred_at: Date;
}

/** What to read, and as whom. */
export interface LogView {
  readonly tables: readonly RegisteredTable[];
  readonly operations: readonly Operation[];
  /** Row security applies under it; none: every tenant's. */
  readonly scope: Scope | undefined;
}

export interface NumberedChange {
  readonly sequence: number;
  readonly change: Change;
}

const OPERATIONS: Record<string, { operation: Operation; isSoft: boolean }> = {
  i: { operation: 'insert', isSoft: false },
  r: { operation: 'insert', isSoft: true },
  u: { operation: 'update', isSoft: false },
  d: { operation: 'delete', isSoft: false },
  s: { operation: 'delete', isSoft: true },
};

/** The next page of changes beyond `after` that are settled. */
export async function readLog(
  internals: DataStoreInternals,
  logId: string,
  view: LogView,
  after: number,
  settled: number,
): Promise<NumberedChange[]> {
  const codes = Object.keys(OPERATIONS).filter((code) =>
    view.operations.includes((OPERATIONS[code] as { operation: Operation }).operation),
  );
  const values = [after, settled, view.tables.map(loggedName), codes];
  const entries = view.scope
    ? await readAs(internals, view.scope, values)
    : (await internals.pool.query<Entry>({ name: 'read-log', text: READ, values })).rows;
  const tables = new Map(view.tables.map((table) => [loggedName(table), table]));
  return entries.map((entry) => ({
    sequence: Number(entry.seq),
    change: toChange(logId, tables.get(entry.table_name) as RegisteredTable, entry),
  }));
}

const readAs = (internals: DataStoreInternals, scope: Scope, values: unknown[]): Promise<Entry[]> =>
  internals.transactionFor(scope, async (tx) => (await tx.client.query<Entry>(READ, values)).rows);

function toChange(logId: string, table: RegisteredTable, entry: Entry): Change {
  const { operation, isSoft } = OPERATIONS[entry.operation] as { operation: Operation; isSoft: boolean };
  const record =
    entry.record &&
    readRow(
      table,
      table.columns.map(({ name }) => entry.record?.[name] ?? null),
    );
  return {
    table: table.name,
    operation,
    isSoft,
    key: Object.fromEntries(
      table.key.map((column, index) => [column.field, column.format.decode(entry.key[index] as string)]),
    ),
    orgId: entry.org_id,
    instanceId: entry.instance_id,
    revision: entry.revision === null ? null : Number(entry.revision),
    position: formatPosition(logId, Number(entry.seq)),
    occurredAt: entry.occurred_at,
    ...(record && { record }),
  };
}
