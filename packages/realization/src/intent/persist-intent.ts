import { InvalidRecordError, RevisionConflictError } from '@intendant/core';
import {
  allColumns,
  arrayLiteral,
  type Executor,
  insertStatement,
  quoteIdentifier,
  type Scope,
  type Statement,
  type StatementResult,
  upsertStatement,
  type WritableRow,
} from '@intendant/core/internal';
import { enqueueIntent } from '../job/enqueue.ts';
import { LEFTOVER_SQLSTATE } from '../job/job-functions.ts';
import { forgetIntentRevision, INTENT_REVISION, noteIntentRevision } from '../placement/intent-revision.ts';
import { ofResource, type Placement, placementStatements } from '../placement/placement-statements.ts';
import { type Identity, identitySql } from '../resource/identity-set.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { dropUnfoundedStatus, insertOrLockOverallStatus } from '../status/overall-status.ts';
import { REMOVED_POINT_SQLSTATE } from '../status/removed-point.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';
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

/** Returns the stored row of the resource. Throws RevisionConflictError, and then nothing changed. */
export async function persistIntent(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intent: IntentToPersist,
  runInTransaction: (
    run: (executor: Executor) => Promise<readonly (string | null)[]>,
  ) => Promise<readonly (string | null)[]>,
  isTransaction: boolean,
): Promise<readonly (string | null)[]> {
  const persistInTransaction = () =>
    runInTransaction((inTransaction) => persistAfterLook(inTransaction, scope, tables, intent));
  try {
    return await (isTransaction ? persistInTransaction() : persistAtOnce(executor, scope, tables, intent));
  } catch (error) {
    if (hasCode(error, LEFTOVER_SQLSTATE)) return persistInTransaction();
    throw hasCode(error, REMOVED_POINT_SQLSTATE) ? removedPoint(tables, error) : error;
  }
}

const hasCode = (error: unknown, code: string): error is Error =>
  error instanceof Error && 'code' in error && error.code === code;

function removedPoint({ resource }: StatusTables, cause: Error & { detail?: string }): InvalidRecordError {
  return new InvalidRecordError(
    `persistIntent ${resource.name}: the enforcement point ${cause.detail} was removed; name another, or add it again`,
    { details: { table: resource.name, enforcementPoint: cause.detail }, cause },
  );
}

async function persistAtOnce(executor: Executor, scope: Scope, tables: StatusTables, intent: IntentToPersist) {
  const call = callPersist(tables, intent);
  if (call === undefined)
    return acceptedRow(tables, intent, recordAnswer(await executor.run(scope, statementsAtOnce(tables, intent))));
  try {
    return acceptedRow(tables, intent, (await executor.run(scope, [call]))[0] as StatementResult);
  } catch (error) {
    throw hasCode(error, REFUSED_SQLSTATE) ? revisionConflict(tables, intent) : error;
  }
}

function callPersist(tables: StatusTables, { row, placement }: IntentToPersist): Statement | undefined {
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

/** The common path, which refuses itself with LEFTOVER_SQLSTATE when it meets leftovers. */
function statementsAtOnce(tables: StatusTables, intent: IntentToPersist): Statement[] {
  return [
    ...lockStatements(tables, intent.identity),
    refuseLeftover(tables, intent.identity),
    noteIntentRevision(upsertStatement(tables.resource, intent.row)),
    ...afterRecord(tables, intent),
  ];
}

/** The result for the record, from the results of `statementsAtOnce`. */
const recordAnswer = (answers: readonly StatementResult[]): StatementResult => answers[3] as StatementResult;

/**
 * Several intents of one caller, in order, in one exchange of a transaction. Returns for each the row of the
 * resource, or the RevisionConflictError that it met. An id that is used again, or a point that was removed, fails
 * all of them with a database error; then they must be persisted one by one.
 */
export async function persistIntents(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<(readonly (string | null)[] | RevisionConflictError)[]> {
  const statements = intents.map((intent) => statementsAtOnce(tables, intent));
  const answers = await executor.run(scope, statements.flat());
  let next = 0;
  return intents.map((intent, index) => {
    const first = next;
    next += (statements[index] as Statement[]).length;
    return recordAnswer(answers.slice(first, next)).rows[0] ?? revisionConflict(tables, intent);
  });
}

async function persistAfterLook(executor: Executor, scope: Scope, tables: StatusTables, intent: IntentToPersist) {
  const before = [...lockStatements(tables, intent.identity), lookForLeftover(tables, intent.identity)];
  const looked = await executor.run(scope, before);
  const leftover = looked.at(-1)?.rows[0]?.[0] ?? null;
  if (leftover === null) {
    const answers = await executor.run(scope, [
      noteIntentRevision(upsertStatement(tables.resource, intent.row)),
      ...afterRecord(tables, intent),
    ]);
    return acceptedRow(tables, intent, answers[0] as StatementResult);
  }
  if (intent.row.revision !== undefined && intent.row.revision !== '0') throw revisionConflict(tables, intent);
  const row = { ...intent.row, revision: revisionAbove(leftover) };
  const cleaning = cleanLeftovers(tables, intent);
  const answers = await executor.run(scope, [
    ...cleaning,
    noteIntentRevision(insertStatement(tables.resource, row)),
    ...afterRecord(tables, intent),
  ]);
  return acceptedRow(tables, intent, answers[cleaning.length] as StatementResult);
}

const lockStatements = (tables: StatusTables, identity: Identity): Statement[] => [
  forgetIntentRevision,
  insertOrLockOverallStatus(tables, [{ identity, makesRow: true, revision: 0 }]),
];

const afterRecord = (tables: StatusTables, { identity, row, placement }: IntentToPersist): Statement[] => [
  ...placementStatements(tables, identity, placement),
  resetOverall(tables, identity, placement),
  ...(mayBeNowhere(placement) ? [settleNowhere(tables, identity)] : []),
  enqueueIntent(tables, identity),
  ...(row.revision === undefined ? [] : [dropUnfoundedStatus(tables, [identity])]),
];

const resetOverall = (tables: StatusTables, identity: Identity, placement: Placement): Statement =>
  placement.kind === 'stay'
    ? { name: 'reset-overall-status', text: resetOverallSql(tables).staying, values: identity }
    : {
        name: 'reset-overall-status',
        text: resetOverallSql(tables).placed,
        values: [...identity, placement.kind === 'selector' ? JSON.stringify(placement.selector) : null],
      };

const resetOverallSql = perStatusTables((tables) => {
  const reset = (placing: string): string => `
    update ${tables.overall.qualifiedName} o
    set realization_status = ${STATUS_WEIGHTS.PENDING}, additional_details = '', resource_revision = ${INTENT_REVISION},
      updated_at = clock_timestamp()${placing}
    where ${ofResource(tables, 'o')} and ${INTENT_REVISION} is not null`;
  return {
    staying: reset(''),
    placed: reset(`, placement_selector = $${tables.overall.identity.length + 1}::jsonb`),
  };
});

/** The intent may turn out to have nothing to do anywhere. Without a list or a selector, its points come later. */
export const mayBeNowhere = (placement: Placement): boolean =>
  placement.kind === 'selector' || (placement.kind === 'points' && placement.points.length === 0);

/** What is to be nowhere, and is nowhere, is as it should be. */
const settleNowhere = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'settle-nowhere',
  text: settleNowhereSql(tables),
  values: identity,
});
const settleNowhereSql = perStatusTables(
  (tables) => `
    update ${tables.overall.qualifiedName} o
    set realization_status = ${STATUS_WEIGHTS.REALIZED}, updated_at = clock_timestamp()
    where ${ofResource(tables, 'o')} and ${INTENT_REVISION} is not null
      and not exists (select from ${tables.enforcement.qualifiedName} e where ${ofResource(tables, 'e')})`,
);

/** A row that is there without its resource, and has been at a revision. */
const leftoverOf = (tables: StatusTables): string => `
    from ${tables.overall.qualifiedName} o
    where ${ofResource(tables, 'o')} and o.resource_revision > 0
      and not exists (select from ${tables.resource.qualifiedName} r where ${identitySql(tables.overall).same('r', 'o')})`;

const lookForLeftover = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'look-for-leftover',
  text: lookSql(tables),
  values: identity,
});
const lookSql = perStatusTables((tables) => `select o.resource_revision ${leftoverOf(tables)}`);

const refuseLeftover = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'refuse-leftover',
  text: refuseSql(tables),
  values: identity,
});
const refuseSql = perStatusTables(
  (tables) => `select intendant.refuse_leftover(o.resource_revision) ${leftoverOf(tables)}`,
);

const revisionAbove = (leftover: string): string => String(BigInt(leftover) + 1n);

/**
 * A resource whose row was deleted leaves status rows of its removals, which are no longer needed. They are deleted
 * here; a job at each of these points still removes what may exist there.
 */
function cleanLeftovers(tables: StatusTables, { identity }: IntentToPersist): Statement[] {
  return [{ name: 'clean-leftovers', text: cleanSql(tables), values: identity }];
}

const cleanSql = perStatusTables((tables) => {
  const json = identitySql(tables.overall).json('e');
  return `
    with cleaned as (
      delete from ${tables.enforcement.qualifiedName} e
      where ${ofResource(tables, 'e')}
        and (e.realization_status = ${STATUS_WEIGHTS.DELETION_REALIZED}
          or e.is_removal and e.realization_status = ${STATUS_WEIGHTS.DELETION_PENDING})
      returning e.*
    )
    select intendant.enqueue_jobs(
      '${tables.resource.schemaName}', '${tables.resource.name}', array_agg(e.${POINT_COLUMN}), array_agg(${json}),
      array_agg(${tables.resource.isTenanted ? 'e.org_id' : 'null::text'}), 0)
    from cleaned e where e.realization_status = ${STATUS_WEIGHTS.DELETION_PENDING}
    having count(*) > 0`;
});

function acceptedRow(
  tables: StatusTables,
  intent: IntentToPersist,
  answer: StatementResult,
): readonly (string | null)[] {
  const stored = answer.rows[0];
  if (stored) return stored;
  throw revisionConflict(tables, intent);
}

const revisionConflict = ({ resource }: StatusTables, { row }: IntentToPersist): RevisionConflictError =>
  new RevisionConflictError(
    row.revision === '0'
      ? `persistIntent ${resource.name}: the resource is there already; revision 0 only creates`
      : `persistIntent ${resource.name}: the resource is not, or no longer, at revision ${row.revision}; read it again, apply the change, and persist that`,
    { details: { table: resource.name, revision: Number(row.revision) } },
  );
