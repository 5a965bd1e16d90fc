import { InvalidRecordError } from '@intendant/core';
import {
  checkOptions,
  type Executor,
  type RegisteredTable,
  readIdentity,
  type Scope,
  type Statement,
} from '@intendant/core/internal';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { pointTableName } from '../placement/selector.ts';
import { ambiguousKey } from '../resource/ambiguous-key.ts';
import { readTime } from '../resource/json-time.ts';
import { keyText } from '../resource/key-text.ts';
import { keyTable, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { overallStatement } from '../status/read-status.ts';
import { type Status, statusOfWeight } from '../status/status.ts';

/** A change of a resource's status at a point. */
export interface StatusTransition {
  /** Increases with each change. Pass it as `before` to get the next page. */
  readonly seq: number;
  /** Id of the enforcement point. */
  readonly enforcementPoint: string;
  /** The status that the resource changed to. */
  readonly status: Status;
  /** The revision of the resource that the status belongs to. */
  readonly revision: number;
  /** The number of the worker's attempt; null if no worker wrote the status. */
  readonly attempt: number | null;
  /** The error message for ERROR; otherwise empty. */
  readonly message: string;
  /** When the status was written, by the clock of the database server. */
  readonly occurredAt: Date;
}

/** Options of `history`. */
export interface HistoryOptions {
  /** Only at this point. Default: at all points. */
  readonly enforcementPoint?: string;
  /** Largest number of changes to return, the newest ones, from 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** Only changes before this one: the `seq` of the last item of the previous page. Default: from the newest. */
  readonly before?: number;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/**
 * Returns the changes, newest first. Empty for a resource without history, or one of another caller. Throws
 * InvalidRecordError when the caller sees several resources with the key.
 */
export async function readHistory(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
  options: HistoryOptions,
): Promise<StatusTransition[]> {
  const { found, resources } = await executor.run(scope, {
    found: historyStatement(tables, scope, key, options),
    resources: overallStatement(tables, scope, key),
  });
  if (resources.rows.length > 1) throw ambiguousKey(tables, key);
  return found.rows.map(readTransition);
}

function historyStatement(tables: StatusTables, scope: Scope, key: unknown, options: HistoryOptions): Statement {
  checkOptions<HistoryOptions>('history', options, { enforcementPoint: true, limit: true, before: true });
  const { enforcementPoint, limit = DEFAULT_LIMIT, before } = options;
  if (enforcementPoint !== undefined) checkEnforcementPoint(enforcementPoint);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidRecordError(`history: limit must be a whole number from 1 to ${MAX_LIMIT}`);
  if (before !== undefined && !Number.isSafeInteger(before))
    throw new InvalidRecordError('history: before must be the seq of the last item of the previous page');
  const named = new Map(
    readIdentity(keyTable(tables), scope, key, 'read').map(({ column, value }) => [column.field, value]),
  );
  return {
    name: 'read-history',
    text: historySql(tables),
    values: [
      pointTableName(tables),
      ownerOf(tables.overall, named.get('orgId'), scope.orgId),
      ownerOf(tables.overall, named.get('instanceId'), undefined),
      enforcementPoint ?? null,
      String(limit),
      before === undefined ? null : String(before),
      ...tables.overall.key.map(({ field }) => named.get(field) ?? null),
    ],
  };
}

const historySql = perStatusTables(({ overall }) => {
  const key = overall.key.map((column, index) => keyText(column, `$${index + 7}::${column.format.sqlType}`));
  return `
      select seq, point_id, status, revision, attempt, message, to_json(occurred_at)
      from intendant.status_history
      where table_name = $1 and key = array[${key.join(', ')}]
        and ($2::text is null or org_id = $2) and ($3::text is null or instance_id = $3) and ($4::text is null or point_id = $4)
        and ($6::bigint is null or seq < $6)
      order by seq desc
      limit $5::bigint`;
});

/** A condition for the index; row security limits the rows to the caller's anyway. */
const ownerOf = (table: RegisteredTable, named: unknown, own: string | undefined): string | null => {
  if (named !== undefined && named !== null) return String(named);
  return table.isTenanted ? (own ?? null) : null;
};

function readTransition(row: readonly (string | null)[]): StatusTransition {
  const [seq, enforcementPoint, status, revision, attempt, message, occurredAt] = row;
  return {
    seq: Number(seq),
    enforcementPoint: String(enforcementPoint),
    status: statusOfWeight(Number(status)),
    revision: Number(revision),
    attempt: attempt === null || attempt === undefined ? null : Number(attempt),
    message: String(message),
    occurredAt: readTime(occurredAt),
  };
}
