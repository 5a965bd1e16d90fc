import type { Statement } from '@intendant/core/internal';
import { ofResource } from '../placement/placement-statements.ts';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { hasResource } from '../resource/resource-rows.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/**
 * Status rows of an earlier resource with the same id have a revision with which late workers may still mark. So the
 * new resource's revision continues above it.
 */

/** The condition that a row exists without its resource, and has been at a revision. */
const leftoverOf = (tables: StatusTables): string => `
    from ${tables.overall.qualifiedName} o
    where ${ofResource(tables, 'o')} and o.resource_revision > 0
      and not ${hasResource(tables, 'o', { reading: 'settled_resources' })}`;

export const findLeftover = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'find-leftover',
  text: findSql(tables),
  values: identity,
});
const findSql = perStatusTables((tables) => `select o.resource_revision ${leftoverOf(tables)}`);

/** Returns as JSON the ordinals of those resources of a set that have status rows of an earlier resource. */
export const findLeftovers = (tables: StatusTables, identities: readonly Identity[]): Statement => ({
  name: 'find-leftovers',
  text: findAllSql(tables),
  values: identityArrays(tables.overall, identities),
});
const findAllSql = perStatusTables((tables) => {
  const { arrays, columns, same } = identitySql(tables.overall);
  return `
    select coalesce(json_agg(i.intendant_ordinal), '[]')
    from unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal)
    join ${tables.overall.qualifiedName} o on ${same('o', 'i')}
    where o.resource_revision > 0
      and not ${hasResource(tables, 'o', { reading: 'settled_resources' })}`;
});

export const refuseLeftover = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'refuse-leftover',
  text: refuseSql(tables),
  values: identity,
});
const refuseSql = perStatusTables(
  (tables) => `select intendant.refuse_leftover(o.resource_revision) ${leftoverOf(tables)}`,
);

/**
 * A deleted resource leaves rows of finished removals. They are deleted. A job at each of these points removes what may
 * still exist there.
 */
export const cleanLeftovers = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'clean-leftovers',
  text: cleanSql(tables),
  values: identity,
});

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
