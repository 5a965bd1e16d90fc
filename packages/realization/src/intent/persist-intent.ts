import { RevisionConflictError } from '@intendant/core';
import {
  allColumns,
  arrayLiteral,
  type Executor,
  insertStatement,
  quoteIdentifier,
  resultsFor,
  type Scope,
  type Statement,
  type StatementResult,
  statementsOf,
  upsertStatement,
  type WritableRow,
} from '@intendant/core/internal';
import { enqueueIntent } from '../job/enqueue.ts';
import { LEFTOVER_SQLSTATE } from '../job/job-functions.ts';
import { forgetIntentRevision, INTENT_REVISION, noteIntentRevision } from '../placement/intent-revision.ts';
import { ofResource, type Placement, placementStatements } from '../placement/placement-statements.ts';
import { explainingPoints } from '../placement/refused-point.ts';
import type { Identity } from '../resource/identity-set.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { deleteUnknownStatus, insertOrLockOverallStatus } from '../status/overall-status.ts';
import { STATUS_WEIGHTS, type Status, statusOfWeight } from '../status/status.ts';
import { mayBeHalfStored, readHalfStored } from './half-stored.ts';
import { cleanLeftovers, findLeftover, refuseLeftover } from './leftovers.ts';
import { persistFunction, REFUSED_SQLSTATE } from './persist-function.ts';

/*
 * One intent is one transaction: lock, resource, enforcement rows, overall row, jobs. Normally it is one exchange
 * too.
 *
 * The lock comes before the jobs. This order prevents a lost wake-up. If a waiting job absorbs the new one, nothing
 * is locked, so a worker may claim the waiting job and read before we commit. But a worker reads only after it has
 * locked the overall row. Either it claimed first, and we add a new job; or we locked first, and it reads what we
 * wrote.
 *
 * The exception is an id that is used again. The rows of the old resource have a revision, which late workers may
 * still use in marks. So the revision of the new resource must be higher, and that must be known before the record is
 * written. The common path refuses when it meets such rows, and the path in a transaction reads them first.
 */

export interface IntentToPersist {
  readonly identity: Identity;
  readonly row: WritableRow;
  readonly placement: Placement;
}

/** The result of a stored intent. */
export interface PersistedIntent {
  /** The stored row of the resource. */
  readonly row: readonly (string | null)[];
  /** The overall status after the write. */
  readonly status: Status;
}

/** Throws RevisionConflictError, and then nothing changed. */
export async function persistIntent(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intent: IntentToPersist,
): Promise<PersistedIntent> {
  const persistInTransaction = () =>
    executor.transaction((tx) => explainingPoints(tables, () => persistAfterCheck(tx, scope, tables, intent)));
  if (executor.isTransaction) return persistInTransaction();
  try {
    return await explainingPoints(tables, () => persistAtOnce(executor, scope, tables, intent));
  } catch (error) {
    if (hasCode(error, LEFTOVER_SQLSTATE)) return persistInTransaction();
    if (error instanceof RevisionConflictError && mayBeHalfStored(tables, intent.row)) return persistInTransaction();
    throw error;
  }
}

const hasCode = (error: unknown, code: string): error is Error =>
  error instanceof Error && 'code' in error && error.code === code;

async function persistAtOnce(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intent: IntentToPersist,
): Promise<PersistedIntent> {
  const call = callPersist(tables, intent);
  if (call === undefined) {
    return accepted(tables, intent, await executor.run(scope, statementsAtOnce(tables, intent)));
  }
  try {
    return accepted(tables, intent, await executor.run(scope, { record: call, status: statusAfter(tables, intent) }));
  } catch (error) {
    throw hasCode(error, REFUSED_SQLSTATE) ? revisionConflict(tables, intent) : error;
  }
}

function callPersist(tables: StatusTables, { row, placement }: IntentToPersist): Statement | undefined {
  if (placement.kind === 'points' && placement.allowsUnknown === true) return undefined;
  const call = callSql(tables);
  const upsert = upsertStatement(tables.resource, row);
  if (call === undefined || !call.upserts.has(upsert.text)) return undefined;
  const values = [
    ...row.values,
    row.revision ?? null,
    placement.kind === 'points' ? arrayLiteral(placement.points) : null,
    placement.kind === 'selector' ? JSON.stringify(placement.selector) : null,
  ];
  return { name: 'persist-intent', text: call.text, values };
}

const callSql = perStatusTables((tables) => {
  const persist = persistFunction(tables);
  if (persist === undefined) return undefined;
  const columns = tables.resource.columns.map(({ name, format }) => `${quoteIdentifier(name)} ${format.sqlType}`);
  const text = `select ${allColumns(tables.resource)} from ${persist.name}(${persist.parameters}) as stored (${columns.join(', ')})`;
  return { text, upserts: new Set(persist.upserts) };
});

/** The common path, which fails with LEFTOVER_SQLSTATE if it finds leftovers. */
const statementsAtOnce = (tables: StatusTables, intent: IntentToPersist) => ({
  lock: lockStatements(tables, intent.identity),
  refuse: refuseLeftover(tables, intent.identity),
  record: noteIntentRevision(tables, upsertStatement(tables.resource, intent.row)),
  ...afterRecord(tables, intent),
});

/**
 * Stores several intents of one caller, in order, in one exchange of a transaction. Returns for each what was stored,
 * or its RevisionConflictError. If an id is used again, or a point was removed, all of them fail with a database error,
 * and must be persisted one by one.
 */
export async function persistIntents(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<(PersistedIntent | RevisionConflictError)[]> {
  const sets = intents.map((intent) => ({ intent, statements: statementsAtOnce(tables, intent) }));
  const results = await executor.run(
    scope,
    sets.flatMap(({ statements }) => statementsOf(statements)),
  );
  let next = 0;
  return sets.map(({ intent, statements }) => {
    const first = next;
    next += statementsOf(statements).length;
    const stored = resultsFor(statements, results.slice(first, next));
    return persistedBy(intent, stored) ?? revisionConflict(tables, intent);
  });
}

async function persistAfterCheck(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intent: IntentToPersist,
): Promise<PersistedIntent> {
  const { found } = await executor.run(scope, {
    lock: lockStatements(tables, intent.identity),
    found: findLeftover(tables, intent.identity),
  });
  const leftover = found.rows[0]?.[0] ?? null;
  if (leftover === null) {
    const stored = await executor.run(scope, {
      record: noteIntentRevision(tables, upsertStatement(tables.resource, intent.row)),
      ...afterRecord(tables, intent),
    });
    return persistedBy(intent, stored) ?? completeHalfStored(executor, scope, tables, intent);
  }
  if (intent.row.revision !== undefined && intent.row.revision !== '0') throw revisionConflict(tables, intent);
  const row = { ...intent.row, revision: revisionAbove(leftover) };
  const stored = await executor.run(scope, {
    clean: cleanLeftovers(tables, intent.identity),
    record: noteIntentRevision(tables, insertStatement(tables.resource, row)),
    ...afterRecord(tables, intent),
  });
  return accepted(tables, intent, stored);
}

/** Stores the statuses and jobs of a record that an earlier call left without them. */
async function completeHalfStored(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intent: IntentToPersist,
): Promise<PersistedIntent> {
  const { identity, row } = intent;
  const lock = lockStatements(tables, identity);
  const record = await readHalfStored(executor, scope, tables, { identity, row, lock });
  if (record === undefined) throw revisionConflict(tables, intent);
  return accepted(tables, intent, { record, ...(await executor.run(scope, afterRecord(tables, intent))) });
}

const lockStatements = (tables: StatusTables, identity: Identity): Statement[] => [
  forgetIntentRevision,
  insertOrLockOverallStatus(tables, [{ identity, makesRow: true, revision: 0 }]),
];

const afterRecord = (tables: StatusTables, intent: IntentToPersist) => {
  const { identity, row, placement } = intent;
  return {
    place: placementStatements(tables, identity, placement),
    reset: resetOverall(tables, identity, placement),
    settle:
      placement.kind !== 'stay' && mayHaveNoPoints(placement) ? realizeWithoutPoints(tables, identity) : undefined,
    enqueue: enqueueIntent(tables, identity),
    drop: row.revision === undefined ? undefined : deleteUnknownStatus(tables, [identity]),
    status: statusAfter(tables, intent),
  };
};

/** The last statement of an intent whose overall status may differ from PENDING. */
const statusAfter = (tables: StatusTables, { identity, placement }: IntentToPersist): Statement | undefined =>
  mayHaveNoPoints(placement)
    ? { name: 'status-after-intent', text: statusAfterSql(tables), values: identity }
    : undefined;

const statusAfterSql = perStatusTables(
  (tables) => `select o.realization_status from ${tables.overall.qualifiedName} o where ${ofResource(tables, 'o')}`,
);

const resetOverall = (tables: StatusTables, identity: Identity, placement: Placement): Statement =>
  placement.kind === 'stay'
    ? { name: 'reset-overall-status', text: resetOverallSql(tables).staying, values: identity }
    : {
        name: 'reset-overall-status',
        text: resetOverallSql(tables).placed,
        values: [...identity, placement.kind === 'selector' ? JSON.stringify(placement.selector) : null],
      };

const resetOverallSql = perStatusTables((tables) => {
  const reset = (placing: string, status = String(STATUS_WEIGHTS.PENDING)): string => `
    update ${tables.overall.qualifiedName} o
    set realization_status = ${status}, additional_details = '', resource_revision = ${INTENT_REVISION},
      updated_at = clock_timestamp()${placing}
    where ${ofResource(tables, 'o')} and ${INTENT_REVISION} is not null`;
  return {
    staying: reset('', stayingStatus(tables)),
    placed: reset(`, placement_selector = $${tables.overall.identity.length + 1}::jsonb`),
  };
});

/** A resource whose intent has no points stays without points. A resource without a placement gets its points later. */
const stayingStatus = (tables: StatusTables): string => `
      case when o.realization_status = ${STATUS_WEIGHTS.REALIZED}
          and not exists (select from ${tables.enforcement.qualifiedName} e where ${ofResource(tables, 'e')})
        then ${STATUS_WEIGHTS.REALIZED} else ${STATUS_WEIGHTS.PENDING} end`;

/** Whether the intent may have no work at any point. */
const mayHaveNoPoints = (placement: Placement): boolean => placement.kind !== 'points' || placement.points.length === 0;

/** A resource whose intent has no points, and that is at no point, is REALIZED. */
const realizeWithoutPoints = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'realize-without-points',
  text: realizeWithoutPointsSql(tables),
  values: identity,
});
const realizeWithoutPointsSql = perStatusTables(
  (tables) => `
    update ${tables.overall.qualifiedName} o
    set realization_status = ${STATUS_WEIGHTS.REALIZED}, updated_at = clock_timestamp()
    where ${ofResource(tables, 'o')} and ${INTENT_REVISION} is not null
      and not exists (select from ${tables.enforcement.qualifiedName} e where ${ofResource(tables, 'e')})`,
);

const revisionAbove = (leftover: string): string => String(BigInt(leftover) + 1n);

/** The results of the statements that return something. */
interface StoredIntent {
  readonly record: StatementResult;
  /** Undefined if the status is PENDING. */
  readonly status: StatementResult | undefined;
}

function accepted(tables: StatusTables, intent: IntentToPersist, stored: StoredIntent): PersistedIntent {
  const persisted = persistedBy(intent, stored);
  if (persisted) return persisted;
  throw revisionConflict(tables, intent);
}

/** Undefined if the record was refused. */
function persistedBy({ placement }: IntentToPersist, { record, status }: StoredIntent): PersistedIntent | undefined {
  const [row] = record.rows;
  const settled = mayHaveNoPoints(placement) ? statusOfWeight(Number(status?.rows[0]?.[0])) : 'PENDING';
  return row && { row, status: settled };
}

const revisionConflict = ({ resource }: StatusTables, { row }: IntentToPersist): RevisionConflictError =>
  new RevisionConflictError(
    row.revision === '0'
      ? `persistIntent ${resource.name}: the resource exists already, and revision 0 only creates; leave the revision out, or pass the one that you read`
      : `persistIntent ${resource.name}: the resource is not, or no longer, at revision ${row.revision}; read it again, apply the change, and persist that`,
    { details: { table: resource.name, revision: Number(row.revision) } },
  );
