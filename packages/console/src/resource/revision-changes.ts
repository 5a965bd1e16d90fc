import { type Executor, type RegisteredTable, readRow } from '@intendant/core/internal';
import type { ReadableTable } from '../caller/access.ts';
import { scopedQuery } from '../scoped-query.ts';
import { jsonRecord } from './json-value.ts';
import type { ResourceKey } from './resource-key.ts';

/** One accepted change of a resource's record, as far as the change log contains it. */
export interface RevisionChange {
  readonly revision: number | null;
  readonly operation: 'insert' | 'update' | 'delete';
  readonly occurredAt: Date;
  /** The fields that differ from the previous revision. Undefined if the log does not contain both records. */
  readonly fields: readonly FieldChange[] | undefined;
}

export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Only this many of the newest changes, of all tables, are searched, because the log has no index by key. */
const SEARCHED_CHANGES = 200_000;
const MAX_REVISIONS = 50;

/** Newest first. Empty if the log contains nothing of the resource any more, or if there is no log. */
export async function readRevisionChanges(
  executor: Executor,
  table: ReadableTable,
  key: ResourceKey,
): Promise<RevisionChange[]> {
  const { resource, scope } = table;
  const values = [
    `${resource.schemaName}.${resource.name}`,
    JSON.stringify(resource.key.map(({ field, format }) => wireText(format.encode(key[field])))),
    ...(typeof key['orgId'] === 'string' ? [key['orgId']] : []),
  ];
  const statement = { text: searchSql(resource, values.length === 3), values };
  const rows = await scopedQuery(executor, scope, 'history', statement);
  return withDifferences(resource, rows.map(readLogged));
}

const wireText = (value: unknown): string => (Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : String(value));

const searchSql = (resource: RegisteredTable, hasOrg: boolean): string => `
  select operation::text, revision::text, occurred_at::text, record::text
  from intendant.change_log
  where seq > (select coalesce(max(seq), 0) - ${SEARCHED_CHANGES} from intendant.change_log)
    and table_name = $1
    and key = array[${resource.key.map(({ format }, index) => `(($2::json ->> ${index})::${format.sqlType})::text`).join(', ')}]
    ${hasOrg ? 'and org_id = $3' : ''}
  order by seq desc
  limit ${MAX_REVISIONS + 1}`;

interface LoggedRevision extends Omit<RevisionChange, 'fields'> {
  readonly columns: Readonly<Record<string, string | null>> | undefined;
}

/** Soft deletes and their undoing have codes of their own in addition to the three of plain changes. */
const OPERATIONS: Readonly<Record<string, RevisionChange['operation']>> = {
  i: 'insert',
  u: 'update',
  d: 'delete',
  s: 'delete',
  r: 'insert',
};

function readLogged(row: readonly (string | null)[]): LoggedRevision {
  const [operation, revision, occurredAt, record] = row;
  return {
    operation: OPERATIONS[operation as string] ?? 'update',
    revision: revision === null || revision === undefined ? null : Number(revision),
    occurredAt: new Date(occurredAt as string),
    columns: record === null || record === undefined ? undefined : JSON.parse(record),
  };
}

function withDifferences(resource: RegisteredTable, logged: readonly LoggedRevision[]): RevisionChange[] {
  return logged.slice(0, MAX_REVISIONS).map(({ columns, ...rest }, index) => {
    const before = logged[index + 1]?.columns;
    return { ...rest, fields: columns && before && differences(resource, before, columns) };
  });
}

type Columns = NonNullable<LoggedRevision['columns']>;

const FRAMEWORK_FIELDS = new Set(['orgId', 'instanceId', 'revision', 'createdAt', 'updatedAt']);

function differences(resource: RegisteredTable, before: Columns, after: Columns): FieldChange[] {
  const [old, now] = [recordOf(resource, before), recordOf(resource, after)];
  return resource.columns.flatMap(({ field, name }) => {
    if (FRAMEWORK_FIELDS.has(field) || before[name] === after[name]) return [];
    return [{ field, before: old[field] ?? null, after: now[field] ?? null }];
  });
}

const recordOf = (resource: RegisteredTable, columns: Columns): Record<string, unknown> =>
  jsonRecord(
    readRow(
      resource,
      resource.columns.map(({ name }) => columns[name] ?? null),
    ),
  );
