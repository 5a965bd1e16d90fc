import { RevisionConflictError } from '@intendant/core';
import {
  allColumns,
  currentTime,
  type Executor,
  type Scope,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';
import { enqueueIntent } from '../job/enqueue.ts';
import { forgetIntentRevision, INTENT_REVISION, noteIntentRevision } from '../placement/intent-revision.ts';
import { ofResource } from '../placement/placement-statements.ts';
import { type Identity, identitySql } from '../resource/identity-set.ts';
import { hasResource } from '../resource/resource-rows.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import {
  deleteUnknownStatus,
  deleteUnknownStatusOfExisting,
  insertOrLockOverallStatus,
  lockKnownOverallStatus,
  lockOverallStatus,
  recomputeLocked,
} from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/** A resource to remove, if it has the expected revision (null: any). */
export interface Removal {
  readonly identity: Identity;
  readonly revision: string | null;
}

/** For a resource with rows. The second statement stores which rows are locked, for the recomputation. */
const lockKnown = (tables: StatusTables, identity: Identity): Statement[] => [
  insertOrLockOverallStatus(tables, [{ identity, makesRow: false, revision: 0 }]),
  lockOverallStatus(tables, [identity]),
];

/**
 * Soft-deletes the resource and starts its removal at every point, in one transaction. Returns the stored row, or
 * undefined if no visible resource exists.
 */
export async function softDeleteIntent(executor: Executor, scope: Scope, tables: StatusTables, removal: Removal) {
  const { identity, revision } = removal;
  const { hide, found } = await executor.run(scope, {
    lock: [forgetIntentRevision, ...lockKnown(tables, identity)],
    hide: noteIntentRevision(tables, {
      name: 'soft-delete-resource',
      text: softDeleteSql(tables),
      values: [...identity, revision],
    }),
    enforcement: { name: 'remove-everywhere', text: removeEverywhereSql(tables), values: identity },
    overall: { name: 'overall-removal', text: overallRemovalSql(tables), values: identity },
    enqueue: enqueueIntent(tables, identity),
    drop: deleteUnknownStatus(tables, [identity]),
    found: present(tables, identity),
  });
  const [hidden] = hide.rows;
  if (!hidden) refuseOtherRevision(tables, removal, found);
  return hidden;
}

const softDeleteSql = perStatusTables((tables) => {
  const next = tables.resource.identity.length + 1;
  return `
    update ${tables.resource.qualifiedName} r
    set deleted_at = ${currentTime(tables.resource)}
    where ${ofResource(tables, 'r')} and r.deleted_at is null and ($${next}::bigint is null or r.revision = $${next}::bigint)
    returning ${allColumns(tables.resource)}`;
});

const removeAtPoints = (tables: StatusTables, isRemoval: string): string => `
    update ${tables.enforcement.qualifiedName} e
    set realization_status = ${STATUS_WEIGHTS.DELETION_PENDING}, is_removal = ${isRemoval}, attempt = null, resource_revision = ${INTENT_REVISION},
      updated_at = clock_timestamp()
    where ${ofResource(tables, 'e')} and ${INTENT_REVISION} is not null`;

const removeEverywhereSql = perStatusTables((tables) => removeAtPoints(tables, 'true'));

const overallRemovalSql = perStatusTables(
  (tables) => `
    update ${tables.overall.qualifiedName} o
    set realization_status = case
        when o.realization_status = ${STATUS_WEIGHTS.REALIZED} and not exists (select from ${tables.enforcement.qualifiedName} e where ${ofResource(tables, 'e')})
        then ${STATUS_WEIGHTS.DELETION_REALIZED} else ${STATUS_WEIGHTS.DELETION_PENDING} end,
      additional_details = '', resource_revision = ${INTENT_REVISION},
      updated_at = clock_timestamp()
    where ${ofResource(tables, 'o')} and ${INTENT_REVISION} is not null`,
);

/** The revision of a resource that exists and is not soft-deleted. */
const present = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'resource-revision',
  text: presentSql(tables),
  values: identity,
});
const presentSql = perStatusTables(
  (tables) => `select r.revision from ${tables.resource.qualifiedName} r where ${ofResource(tables, 'r')}`,
);

function refuseOtherRevision(tables: StatusTables, removal: Removal, answer: StatementResult | undefined): void {
  const stored = answer?.rows[0]?.[0];
  if (removal.revision === null || stored === undefined || stored === removal.revision) return;
  throw new RevisionConflictError(
    `${tables.resource.name}: the resource is at revision ${stored}, not ${removal.revision}; read it again`,
    { details: { table: tables.resource.name, revision: Number(removal.revision) } },
  );
}

/**
 * Deletes the resource's row. At each point where it is enforced, its removal starts: DELETION_PENDING at the last revision,
 * with a job. Removals that have begun continue. Returns the number of deleted rows.
 */
export async function deleteIntent(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  removal: Removal,
): Promise<number> {
  const { identity } = removal;
  const { resource, found } = await executor.run(scope, {
    lock: [forgetIntentRevision, ...lockKnown(tables, identity)],
    resource: noteIntentRevision(tables, {
      name: 'delete-resource',
      text: deleteSql(tables),
      values: [...identity, removal.revision],
    }),
    enforcement: { name: 'remove-what-is-enforced', text: removeEnforcedSql(tables), values: identity },
    overall: { name: 'overall-at-revision', text: overallAtRevisionSql(tables), values: identity },
    enqueue: enqueueIntent(tables, identity),
    drop: deleteUnknownStatusOfExisting(tables, [identity]),
    recompute: recomputeLocked(tables, [{ identity, revision: 0, text: null }]),
    found: present(tables, identity),
  });
  if (resource.rowCount === 0) refuseOtherRevision(tables, removal, found);
  return resource.rowCount;
}

const deleteSql = perStatusTables((tables) => {
  const next = tables.resource.identity.length + 1;
  return `
    delete from ${tables.resource.qualifiedName} r
    where ${ofResource(tables, 'r')} and ($${next}::bigint is null or r.revision = $${next}::bigint)
    returning r.revision`;
});

/** The rows still contain the placement, for a later intent with the same id: that intent first removes what is left. */
const removeEnforcedSql = perStatusTables((tables) => `${removeAtPoints(tables, 'e.is_removal')} and not e.is_removal`);

/** A row that was changed without realization may have a higher revision than its status. */
const overallAtRevisionSql = perStatusTables(
  (tables) => `
    update ${tables.overall.qualifiedName} o
    set resource_revision = ${INTENT_REVISION}
    where ${ofResource(tables, 'o')} and o.resource_revision < ${INTENT_REVISION}`,
);

/** Deletes the resource, its overall row and its enforcement rows. Returns the number of deleted rows. */
export async function purgeIntent(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  identity: Identity,
): Promise<number> {
  const { resource, enforcement, overall } = await executor.run(scope, {
    lock: lockKnown(tables, identity),
    resource: { name: 'purge-resource', text: purgeSql(tables).resource, values: identity },
    enforcement: { name: 'purge-enforcement', text: purgeSql(tables).enforcement, values: identity },
    overall: { name: 'purge-overall', text: purgeSql(tables).overall, values: identity },
  });
  return resource.rowCount + enforcement.rowCount + overall.rowCount;
}

const purgeSql = perStatusTables((tables) => ({
  resource: `delete from ${tables.resource.qualifiedName} t where ${ofResource(tables, 't')}`,
  enforcement: `delete from ${tables.enforcement.qualifiedName} t where ${ofResource(tables, 't')}`,
  overall: `delete from ${tables.overall.qualifiedName} t where ${ofResource(tables, 't')}`,
}));

/**
 * Removes the status rows of a deleted resource: rows whose removal is pending or done. Does nothing while the
 * resource exists. Returns the number of deleted rows.
 */
export async function purgeStaleRows(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  identity: Identity,
): Promise<number> {
  const { enforcement, overall } = await executor.run(scope, {
    lock: [lockKnownOverallStatus(tables, identity), lockOverallStatus(tables, [identity])],
    enforcement: { name: 'purge-stale-enforcement', text: purgeStaleSql(tables).enforcement, values: identity },
    overall: { name: 'purge-stale-overall', text: purgeStaleSql(tables).overall, values: identity },
    drop: deleteUnknownStatus(tables, [identity]),
    recompute: recomputeLocked(tables, [{ identity, revision: 0, text: null }]),
  });
  return enforcement.rowCount + overall.rowCount;
}

const STALE = `${STATUS_WEIGHTS.DELETION_PENDING}, ${STATUS_WEIGHTS.DELETION_REALIZED}`;

const purgeStaleSql = perStatusTables((tables) => {
  const alive = tables.resource.definition.softDelete ? ' and r.deleted_at is null' : '';
  const { same } = identitySql(tables.overall);
  const gone = (alias: string): string =>
    `not ${hasResource(tables, alias, { condition: alive, reading: 'settled_resources' })}`;
  return {
    enforcement: `
    delete from ${tables.enforcement.qualifiedName} e
    where ${ofResource(tables, 'e')} and e.realization_status in (${STALE}) and ${gone('e')}`,
    overall: `
    delete from ${tables.overall.qualifiedName} o
    where ${ofResource(tables, 'o')} and o.realization_status in (${STALE}) and ${gone('o')}
      and not exists (select from ${tables.enforcement.qualifiedName} e where ${same('e', 'o')})`,
  };
});
