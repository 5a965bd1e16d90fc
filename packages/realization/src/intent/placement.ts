import { arrayLiteral, quoteIdentifier, type Statement } from '@intendant/core/internal';
import { type Identity, identitySql } from '../status/identity-set.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../status/status-tables.ts';
import { INTENT_REVISION } from './intent-revision.ts';

/**
 * Puts an intent at its enforcement points, behind the overall row's lock and in the intent's own transaction, so that a
 * fast point cannot be done before a slow one is known. What was there and isn't named is to be removed; what is removed
 * already is forgotten. Nothing named (null): it stays where it is, and points being removed stay so.
 *
 * All of it at the revision in the setting that `noteIntentRevision` left; without one, nothing happens.
 */
export function placementStatements(
  tables: StatusTables,
  identity: Identity,
  points: readonly string[] | null,
): Statement[] {
  const named = points === null ? null : arrayLiteral(points);
  return [
    { name: 'forget-removed-points', text: forgetSql(tables), values: [...identity, named] },
    { name: 'reset-placed-points', text: resetSql(tables), values: [...identity, named] },
    ...(points === null || points.length === 0
      ? []
      : [{ name: 'place-at-points', text: placeSql(tables), values: [...identity, named] }]),
  ];
}

const forgetSql = perStatusTables(
  (tables) => `
    delete from ${tables.enforcement.qualifiedName} e
    where ${ofResource(tables, 'e')} and ${INTENT_REVISION} is not null
      and e.realization_status = ${STATUS_WEIGHTS.DELETION_REALIZED}
      and (${namedPoints(tables)} is null or e.${POINT_COLUMN} <> all (${namedPoints(tables)}))`,
);

const resetSql = perStatusTables(
  (tables) => `
    update ${tables.enforcement.qualifiedName} e
    set realization_status = case when ${isStaying(tables)} then ${STATUS_WEIGHTS.PENDING} else ${STATUS_WEIGHTS.DELETION_PENDING} end,
      is_removal = not ${isStaying(tables)}, resource_revision = ${INTENT_REVISION}, updated_at = clock_timestamp()
    where ${ofResource(tables, 'e')} and ${INTENT_REVISION} is not null`,
);

const placeSql = perStatusTables((tables) => {
  const identity = identitySql(tables.overall);
  const values = tables.overall.identity.map((column, index) => `$${index + 1}::${column.format.sqlType}`).join(', ');
  return `
    insert into ${tables.enforcement.qualifiedName}
      (${identity.columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
    select ${values}, point, ${STATUS_WEIGHTS.PENDING}, '', ${INTENT_REVISION}, false
    from unnest(${namedPoints(tables)}) as point
    where ${INTENT_REVISION} is not null
    order by point
    on conflict do nothing`;
});

const isStaying = (tables: StatusTables): string =>
  `(case when ${namedPoints(tables)} is null then not e.is_removal else e.${POINT_COLUMN} = any (${namedPoints(tables)}) end)`;

const namedPoints = (tables: StatusTables): string => `$${tables.overall.identity.length + 1}::text[]`;

/** That the row under this alias belongs to the resource whose identity is `$1` and on. */
export const ofResource = (tables: StatusTables, alias: string): string =>
  tables.overall.identity
    .map((column, index) => `${alias}.${quoteIdentifier(column.name)} = $${index + 1}`)
    .join(' and ');
