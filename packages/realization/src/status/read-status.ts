import { RecordNotFoundError } from '@intendant/core';
import {
  allColumns,
  describeKey,
  type Executor,
  findStatement,
  quoteIdentifier,
  readIdentity,
  readRow,
  type Scope,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';
import { ambiguousKey } from '../resource/ambiguous-key.ts';
import { keyTable, POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';
import { isStalePoint } from './stale-point.ts';
import { type Status, statusOfWeight } from './status.ts';

/** A stored status, at one point or overall. */
export interface StatusRecord {
  /** The status. */
  readonly status: Status;
  /** The errors, newest first; empty if there are none. At most 1,024 characters. */
  readonly additionalDetails: string;
  /** The revision of the resource that the status belongs to. */
  readonly revision: number;
  /** When the status row was first written. */
  readonly createdAt: Date;
  /** When the status row last changed. */
  readonly updatedAt: Date;
  /** True if the point is stale, i.e. no worker serves it; only for a status at a point. Absent otherwise. */
  readonly isPointStale?: true;
}

/** The overall status of a resource and its status at each enforcement point. */
export interface StatusDetails {
  /** The overall status. */
  readonly overall: StatusRecord;
  /** By enforcement point. A point that was never marked is absent: its status is UNKNOWN. */
  readonly enforcement: ReadonlyMap<string, StatusRecord>;
}

/** Throws RecordNotFoundError when nothing is known of the resource, and InvalidRecordError when there are several. */
export async function readOverallStatus(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
): Promise<StatusRecord> {
  const { found } = await executor.run(scope, { found: overallStatement(tables, scope, key) });
  return overallOf(tables, key, found);
}

/** Throws RecordNotFoundError when nothing is known of the resource, and InvalidRecordError when there are several. */
export async function readStatusDetails(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
): Promise<StatusDetails> {
  const { overall, enforcement } = await executor.run(scope, {
    overall: overallStatement(tables, scope, key),
    enforcement: enforcementStatement(tables, scope, key),
  });
  return {
    overall: overallOf(tables, key, overall),
    enforcement: new Map(enforcement.rows.map((row) => readPoint(tables, row))),
  };
}

/** @internal Finds at most two rows: two mean that the key alone does not identify a resource for this caller. */
export const overallStatement = (tables: StatusTables, scope: Scope, key: unknown): Statement =>
  findStatement(tables.overall, readIdentity(keyTable(tables), scope, key, 'read'), true);

function enforcementStatement(tables: StatusTables, scope: Scope, key: unknown): Statement {
  const { enforcement } = tables;
  const identity = readIdentity(keyTable(tables), scope, key, 'read');
  const condition = identity
    .map(({ column }, index) => `${quoteIdentifier(column.name)} = $${index + 1}`)
    .join(' and ');
  return {
    name: 'find-enforcement-statuses',
    text: `select ${allColumns(enforcement)}, ${isStalePoint(POINT_COLUMN)} from ${enforcement.qualifiedName} where ${condition} order by ${POINT_COLUMN}`,
    values: identity.map(({ value }) => value),
  };
}

function overallOf(tables: StatusTables, key: unknown, found: StatementResult | undefined): StatusRecord {
  const [row, another] = found?.rows ?? [];
  if (another) throw ambiguousKey(tables, key);
  if (row) return toStatusRecord(readRow(tables.overall, row));
  throw new RecordNotFoundError(
    `${tables.resource.name} ${JSON.stringify(describeKey(tables.resource, key))}: no resource was persisted under this key, or it is not visible to the caller`,
    { details: { table: tables.resource.name, key: describeKey(tables.resource, key) } },
  );
}

function readPoint(tables: StatusTables, row: readonly (string | null)[]): [string, StatusRecord] {
  const record = readRow(tables.enforcement, row);
  return [String(record[POINT_COLUMN]), atPoint(toStatusRecord(record), row.at(-1) === 't')];
}

/** @internal A status at a point, and whether the point is stale. */
export const atPoint = (status: StatusRecord, isStale: boolean): StatusRecord =>
  isStale ? { ...status, isPointStale: true } : status;

const toStatusRecord = (record: Record<string, unknown>): StatusRecord => ({
  status: statusOfWeight(record.realization_status as number),
  additionalDetails: String(record.additional_details),
  revision: record.resource_revision as number,
  createdAt: record.createdAt as Date,
  updatedAt: record.updatedAt as Date,
});
