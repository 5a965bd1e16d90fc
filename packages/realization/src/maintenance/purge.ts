import { type DataStoreInternals, quoteIdentifier, type Statement, sessionInternalsOf } from '@intendant/core/internal';
import { pointTableName } from '../placement/selector.ts';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { isElsewhere, resourceOf, rowFunctionCall } from '../resource/resource-rows.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { IS_LOCKED, lockFreeOverallStatus } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * A resource that was removed at all points is kept for a while: its status shows the deletion, and its revision
 * prevents a late worker from marking a new resource with the same id. Then all its rows are deleted, in sets.
 *
 * The condition is checked with the lock held, because the owner may have restored the resource in the meantime.
 */

const BATCH_SIZE = 500;

/** Whether there may be something to purge, according to the counts. So a table with only existing resources is not scanned. */
export async function mayHaveRemoved(store: DataStoreInternals, tables: StatusTables): Promise<boolean> {
  const { rows } = await store.inServiceTransaction((client) =>
    client.query<{ may: boolean }>(MAY_HAVE_REMOVED, [pointTableName(tables)]),
  );
  return rows[0]?.may ?? false;
}

const ENDS = `${STATUS_WEIGHTS.DELETION_REALIZED}, ${STATUS_WEIGHTS.DELETION_PENDING}`;
const MAY_HAVE_REMOVED = `
  select coalesce(sum(resources), 0) > 0 as may from (
    select resources from intendant.status_count where table_name = $1 and point_id = '' and status in (${ENDS})
    union all
    select change from intendant.status_change where table_name = $1 and point_id = '' and status in (${ENDS})
  ) counted`;

/** Purges up to a number of resources that were removed long enough ago. Returns their number, and whether there may be more. */
export function purgeRemoved(
  store: DataStoreInternals,
  tables: StatusTables,
  afterMs: number,
): Promise<{ purged: number; isMore: boolean }> {
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const { executor } = sessionInternalsOf(tx);
    const { found } = await executor.run(SERVICE_SCOPE, { found: findRemoved(tables, afterMs) });
    const identities = found.rows.map((row) => row.map((value) => value ?? ''));
    if (identities.length === 0) return { purged: 0, isMore: false };
    const { overall } = await executor.run(SERVICE_SCOPE, {
      lock: lockFreeOverallStatus(tables, identities),
      choose: purgeStep(tables, 'choose', identities, afterMs),
      enforcement: purgeStep(tables, 'enforcement', identities, afterMs),
      resource: purgeStep(tables, 'resource', identities, afterMs),
      overall: purgeStep(tables, 'overall', identities, afterMs),
    });
    const purged = overall.rowCount;
    return { purged, isMore: purged > 0 && identities.length === BATCH_SIZE };
  });
}

const findRemoved = (tables: StatusTables, afterMs: number): Statement => ({
  name: 'find-removed',
  text: purgeSql(tables).find,
  values: [String(afterMs), String(BATCH_SIZE)],
});

const purgeStep = (
  tables: StatusTables,
  step: 'choose' | 'enforcement' | 'resource' | 'overall',
  identities: readonly Identity[],
  afterMs: number,
): Statement => ({
  name: `purge-removed-${step}`,
  text: purgeSql(tables)[step],
  values:
    step === 'choose'
      ? [String(afterMs), ...identityArrays(tables.overall, identities)]
      : identityArrays(tables.overall, identities),
});

/** A setting with the resources of the set that may be purged, by ordinal. */
const SELECTION_SETTING = 'intendant.gone_resources';
const IS_SELECTED = `intendant_ordinal = any (current_setting('${SELECTION_SETTING}')::bigint[])`;

const purgeSql = perStatusTables((tables) => {
  const { same, columns, arrays } = identitySql(tables.overall);
  const hidden = tables.resource.definition.softDelete ? 'r.deleted_at is not null' : 'false';
  const nowhere = `not exists (select from ${tables.enforcement.qualifiedName} e where ${same('e', 'o')})`;
  const isRemoved = `
      o.updated_at < clock_timestamp() - $1::double precision * interval '1 ms'
      and (r.revision is null or ${hidden})
      and (o.realization_status = ${STATUS_WEIGHTS.DELETION_REALIZED}
        or o.realization_status = ${STATUS_WEIGHTS.DELETION_PENDING} and ${nowhere})`;
  const joined = `${tables.overall.qualifiedName} o left join ${resourceOf(tables, 'o')}`;
  const shifted = tables.overall.identity.map(({ format }, index) => `$${index + 2}::${format.sqlType}[]`).join(', ');
  const chosen = `(select * from unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal) where ${IS_SELECTED}) i`;
  const remove = (table: { qualifiedName: string }, rest = ''): string =>
    `delete from ${table.qualifiedName} t using ${chosen} where ${same('t', 'i')}${rest}`;
  return {
    find: `
    select ${tables.overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}::text`).join(', ')}
    from ${joined} where ${isRemoved} limit $2::bigint`,
    choose: `
    select set_config('${SELECTION_SETTING}', coalesce(array_agg(i.intendant_ordinal)::text, '{}'), true)
    from unnest(${shifted}) with ordinality as i (${columns}, intendant_ordinal)
    join ${joined} on ${same('o', 'i')}
    where ${IS_LOCKED} and ${isRemoved}`,
    enforcement: remove(tables.enforcement),
    resource: isElsewhere(tables)
      ? `select from ${chosen} cross join lateral ${rowFunctionCall(tables, 'purge_resource', 'i')}`
      : remove(tables.resource, tables.resource.definition.softDelete ? ' and t.deleted_at is not null' : ''),
    overall: remove(tables.overall),
  };
});
