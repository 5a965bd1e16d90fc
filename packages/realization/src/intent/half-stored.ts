import {
  allColumns,
  type Executor,
  quoteIdentifier,
  type Scope,
  type Statement,
  type StatementResult,
  suppliedColumns,
  type WritableRow,
} from '@intendant/core/internal';
import { noteRevision } from '../placement/intent-revision.ts';
import { ofResource } from '../placement/placement-statements.ts';
import type { Identity } from '../resource/identity-set.ts';
import { isElsewhere } from '../resource/resource-rows.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * On Citus the node of a record commits first, then the coordinator. If the coordinator crashes between the two, or the
 * answer of the node is lost, the record is stored without its statuses and jobs. The caller got a ConnectionError and
 * repeats the call. With a revision it would be refused: the record has the next revision already. So a record
 * that is newer than its statuses, with the values and the revision that the call would store, is taken as stored by this call.
 */

/** Whether the record of an intent may have been stored without its statuses, by an earlier call. */
export const mayBeHalfStored = (tables: StatusTables, { revision }: WritableRow): boolean =>
  isElsewhere(tables) && revision !== undefined;

/** An intent, and the statements that lock its resource. */
interface RepeatedIntent {
  readonly identity: Identity;
  readonly row: WritableRow;
  readonly lock: readonly Statement[];
}

/** Reads the record and notes its revision, if it is what the intent would have stored and is newer than its statuses. */
export async function readHalfStored(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  { identity, row, lock }: RepeatedIntent,
): Promise<StatementResult | undefined> {
  if (!mayBeHalfStored(tables, row)) return undefined;
  const { known, record } = await executor.run(scope, {
    lock,
    known: { name: 'known-revision', text: knownRevisionSql(tables), values: identity },
    record: { name: 'read-half-stored', text: sameRecordSql(tables), values: [...row.values, row.revision ?? null] },
  });
  const index = tables.resource.columns.findIndex(({ name }) => name === 'revision');
  const revision = record.rows[0]?.[index] ?? '0';
  if (BigInt(revision) <= BigInt(known.rows[0]?.[0] ?? 0)) return undefined;
  await executor.run(scope, { note: noteRevision(revision) });
  return record;
}

const sameRecordSql = perStatusTables(({ resource }) => {
  const supplied = suppliedColumns(resource);
  const given = `$${supplied.length + 1}::bigint`;
  const same = supplied.map(({ name, format, databaseDefault }, index) => {
    const value = `$${index + 1}::${format.sqlType}::text`;
    const isSame = `${quoteIdentifier(name)}::text is not distinct from ${value}`;
    return databaseDefault === undefined ? isSame : `(${value} is null or ${isSame})`;
  });
  const identity = resource.identity.map((column) => {
    const index = supplied.indexOf(column);
    return `${quoteIdentifier(column.name)} = $${index + 1}::${column.format.sqlType}`;
  });
  const isVisible = resource.definition.softDelete ? ' and deleted_at is null' : '';
  return `
    select ${allColumns(resource)} from ${resource.qualifiedName}
    where ${[...identity, ...same].join(' and ')} and (${given} = 0 or revision = ${given} + 1)${isVisible}`;
});

/** The revision that the statuses of a resource know. The row that was only inserted to be locked knows none. */
const knownRevisionSql = perStatusTables(
  (tables) => `
    select o.resource_revision from ${tables.overall.qualifiedName} o
    where ${ofResource(tables, 'o')} and o.realization_status <> ${STATUS_WEIGHTS.UNKNOWN}`,
);
