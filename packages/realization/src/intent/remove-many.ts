import type { AnyTable, RecordOf } from '@intendant/core';
import { type Executor, quoteIdentifier, type Scope } from '@intendant/core/internal';
import { enqueueCall, orgIdOf } from '../job/enqueue.ts';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { isElsewhere, resourcesOf, rowFunctionCall } from '../resource/resource-rows.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import {
  deleteUnknownStatus,
  IS_LOCKED,
  insertOrLockOverallStatus,
  LOCKED,
  lockFreeOverallStatus,
} from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/** The result of `softDeleteMany`. */
export interface SoftDeletedMany<T extends AnyTable> {
  /** Number of soft-deleted resources. */
  readonly rowsAffected: number;
  /** The soft-deleted records with their new revisions, in the order of the keys. Keys without a visible resource are left out. */
  readonly records: readonly RecordOf<T>[];
}

/**
 * Soft-deletes many resources and starts their removal at every point, as `softDeleteIntent` does for one, in one
 * exchange. Returns the stored row of each, or null where no visible resource exists.
 */
export async function softDeleteIntents(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  removals: readonly { readonly identity: Identity }[],
): Promise<(readonly (string | null)[] | null)[]> {
  if (removals.length === 0) return [];
  const identities = removals.map(({ identity }) => identity);
  const revisions = identities.map((identity) => ({ identity, makesRow: false, revision: 0 }));
  const sql = softDeleteManySql(tables);
  const values = identityArrays(tables.overall, identities);
  const { hidden } = await executor.run(scope, {
    // The second must not wait while the set is locked, for a resource that was created since.
    lock: [insertOrLockOverallStatus(tables, revisions), lockFreeOverallStatus(tables, identities)],
    hidden: { name: 'soft-delete-resources', text: sql.resources, values },
    enforcement: { name: 'remove-all-everywhere', text: sql.enforcement, values },
    overall: { name: 'overall-removals', text: sql.overall, values },
    enqueue: { name: 'enqueue-removals', text: sql.jobs, values },
    drop: deleteUnknownStatus(tables, identities),
  });
  const rowOf = new Map(hidden.rows.map(([ordinal, ...row]) => [Number(ordinal), row]));
  return identities.map((_, index) => rowOf.get(index + 1) ?? null);
}

/** The first statement stores in the setting which resources it has soft-deleted; the other statements change only these. */
const softDeleteManySql = perStatusTables((tables) => {
  const { resource, overall, enforcement } = tables;
  const { arrays, columns, same, json } = identitySql(overall);
  const hidden = `(
      select * from unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal) where ${IS_LOCKED}
    ) i`;
  const stored = resource.columns.map(({ name }) => `r.${quoteIdentifier(name)}`).join(', ');
  const hideHere = `update ${resource.qualifiedName} r set deleted_at = clock_timestamp()
      from ${hidden} where ${same('r', 'i')} and r.deleted_at is null
      returning i.intendant_ordinal, ${stored}`;
  const hideElsewhere = `select i.intendant_ordinal, ${stored}
      from ${hidden} cross join lateral ${rowFunctionCall(tables, 'hide_resource', 'i')}`;
  return {
    resources: `
    with hidden as (
      ${isElsewhere(tables) ? hideElsewhere : hideHere}
    ), noted as (
      select set_config('${LOCKED}', coalesce(array_agg(intendant_ordinal)::text, '{}'), true) from hidden
    )
    select hidden.* from hidden cross join noted order by intendant_ordinal`,
    enforcement: `
    update ${enforcement.qualifiedName} e
    set realization_status = ${STATUS_WEIGHTS.DELETION_PENDING}, is_removal = true, attempt = null, resource_revision = r.revision,
      updated_at = clock_timestamp()
    from ${hidden} join ${resourcesOf(tables, 'i', hidden)}
    where ${same('e', 'i')}`,
    overall: `
    update ${overall.qualifiedName} o
    set realization_status = case
        when o.realization_status = ${STATUS_WEIGHTS.REALIZED} and not exists (select from ${enforcement.qualifiedName} e where ${same('e', 'o')})
        then ${STATUS_WEIGHTS.DELETION_REALIZED} else ${STATUS_WEIGHTS.DELETION_PENDING} end,
      additional_details = '', resource_revision = r.revision, updated_at = clock_timestamp()
    from ${hidden} join ${resourcesOf(tables, 'i', hidden)}
    where ${same('o', 'i')}`,
    jobs: `
    select ${enqueueCall(tables, `array_agg(e.${POINT_COLUMN})`, `array_agg(${json('e')})`, `array_agg(${orgIdOf(tables, 'e')})`)}
    from ${hidden} join ${enforcement.qualifiedName} e on ${same('e', 'i')}
    where e.realization_status = ${STATUS_WEIGHTS.DELETION_PENDING}
    having count(*) > 0`,
  };
});
