import { arrayLiteral, type Executor, quoteLiteral, type Scope, type Statement } from '@intendant/core/internal';
import { orgIdOf } from '../job/enqueue.ts';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { IS_LOCKED, lockOverallStatus, recomputeLocked } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/** Selects points of resources to be retried. */
export interface RetriedPoints {
  /** The id of the point. Undefined: all points. */
  readonly enforcementPoint: string | undefined;
  /** Statuses at the point, as weights. Undefined: all statuses that are not final. */
  readonly weights: readonly number[] | undefined;
}

/**
 * Makes all unfinished work at these points due now, with attempts from 1, and returns the number of jobs. A point in
 * ERROR becomes PENDING, which also wakes its workers. Needs a transaction.
 */
export async function retryResources(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  identities: readonly Identity[],
  points: RetriedPoints,
): Promise<number> {
  const { retried } = await executor.run(scope, {
    lock: lockOverallStatus(tables, identities),
    retried: retryLocked(tables, identities, points),
    recompute: recomputeLocked(
      tables,
      identities.map((identity) => ({ identity, revision: 0, text: null })),
    ),
  });
  return Number(retried.rows[0]?.[0]);
}

const retryLocked = (
  tables: StatusTables,
  identities: readonly Identity[],
  { enforcementPoint, weights }: RetriedPoints,
): Statement => ({
  name: 'retry-locked',
  text: retrySql(tables),
  values: [
    ...identityArrays(tables.overall, identities),
    enforcementPoint ?? null,
    weights === undefined ? null : arrayLiteral(weights.map(String)),
  ],
});

/** Statuses above these weights are not final. */
const IS_UNSETTLED = `realization_status > ${STATUS_WEIGHTS.REALIZED}`;

const retrySql = perStatusTables((tables) => {
  const { resource, enforcement, overall } = tables;
  const { arrays, columns, same, json, of, parameterCount } = identitySql(overall);
  const [point, weights] = [`$${parameterCount + 1}::text`, `$${parameterCount + 2}::integer[]`];
  return `
    with undone as (
      select ${of('e')}, e.${POINT_COLUMN}, ${json('e')} as identity, ${orgIdOf(tables, 'e')} as job_org,
        row_number() over () as job_place
      from unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal)
      join ${enforcement.qualifiedName} e on ${same('e', 'i')}
      where ${IS_LOCKED} and e.${IS_UNSETTLED}
        and (${point} is null or e.${POINT_COLUMN} = ${point}) and (${weights} is null or e.realization_status = any (${weights}))
    ),
    due as materialized (
      select intendant.retry_jobs(${quoteLiteral(resource.schemaName)}, ${quoteLiteral(resource.name)},
        array_agg(u.${POINT_COLUMN} order by u.job_place), array_agg(u.identity order by u.job_place),
        array_agg(u.job_org order by u.job_place)) as places
      from undone u having count(*) > 0
    ),
    waiting as (
      update ${enforcement.qualifiedName} e
      set realization_status = case when e.is_removal then ${STATUS_WEIGHTS.DELETION_PENDING} else ${STATUS_WEIGHTS.PENDING} end,
        attempt = null, updated_at = clock_timestamp()
      from undone u, due
      where ${same('e', 'u')} and e.${POINT_COLUMN} = u.${POINT_COLUMN} and u.job_place = any (due.places)
        and e.realization_status = ${STATUS_WEIGHTS.ERROR}
    )
    select coalesce(sum(cardinality(places)), 0) from due`;
});
