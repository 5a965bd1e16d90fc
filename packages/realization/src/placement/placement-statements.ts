import { arrayLiteral, quoteIdentifier, type Statement } from '@intendant/core/internal';
import { type Identity, identitySql } from '../resource/identity-set.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';
import { INTENT_REVISION } from './intent-revision.ts';
import { mayRefusePoint, refusePoint } from './refused-point.ts';
import { pointTableName, type Selector } from './selector.ts';

/** The points where an intent is to be realized. */
export type Placement =
  /** The points where it is placed already. */
  | { readonly kind: 'stay' }
  | {
      readonly kind: 'points';
      readonly points: readonly string[];
      /** Whether stale and unregistered points are accepted. Undefined: they are refused. */
      readonly allowsUnknown?: boolean | undefined;
    }
  /** All live points whose labels match, now and later. */
  | { readonly kind: 'selector'; readonly selector: Selector };

/**
 * Writes the enforcement rows of an intent, with the overall row locked and in the transaction of the intent, so that
 * a fast point cannot finish before a slow one is known. Points that are no longer named are to be removed; points
 * whose removal is done are deleted. If the placement is unchanged, points that are being removed stay so.
 *
 * All rows get the revision in the setting that `noteIntentRevision` wrote; if it is empty, nothing happens.
 */
export function placementStatements(tables: StatusTables, identity: Identity, placement: Placement): Statement[] {
  if (placement.kind === 'selector') {
    return [
      selectPoints(tables, placement.selector),
      { name: 'forget-removed-points', text: selectedSql(tables).forget, values: identity },
      { name: 'reset-placed-points', text: selectedSql(tables).reset, values: identity },
      { name: 'place-at-points', text: selectedSql(tables).place, values: identity },
    ];
  }
  const points = placement.kind === 'points' ? placement.points : null;
  const values = [...identity, points && arrayLiteral(points)];
  const allowsUnknown = placement.kind === 'points' && placement.allowsUnknown === true;
  return [
    { name: 'forget-removed-points', text: namedSql(tables).forget, values },
    { name: 'reset-placed-points', text: namedSql(tables).reset, values },
    ...(points === null || points.length === 0
      ? []
      : [{ name: 'place-at-points', text: (allowsUnknown ? anyNamedSql : namedSql)(tables).place, values }]),
  ];
}

/** Stores the live points that match a selector in a setting. Runs after the lock; rollout/rollout.ts explains why. */
const selectPoints = (tables: StatusTables, selector: Selector): Statement => ({
  name: 'select-points',
  text: SELECT_POINTS,
  values: [JSON.stringify(selector), pointTableName(tables)],
});

const SELECTED = 'intendant.selected_points';
const SELECT_POINTS = `
    select set_config('${SELECTED}', coalesce(array_agg(p.id)::text, '{}'), true)
    from intendant.enforcement_point p
    where p.state = 'live' and $2 = any (p.table_names) and intendant.labels_match(p.labels, $1::jsonb)`;

const placementSql = (tables: StatusTables, points: string, allowsUnknown: boolean) => ({
  forget: deleteSql(tables, points),
  reset: resetSql(tables, points),
  place: placeSql(tables, points, allowsUnknown),
});

const namedPoints = ({ overall }: StatusTables): string => `$${overall.identity.length + 1}::text[]`;
const namedSql = perStatusTables((tables) => placementSql(tables, namedPoints(tables), false));
const anyNamedSql = perStatusTables((tables) => placementSql(tables, namedPoints(tables), true));
const selectedSql = perStatusTables((tables) => placementSql(tables, `current_setting('${SELECTED}')::text[]`, true));

const deleteSql = (tables: StatusTables, points: string): string => `
    delete from ${tables.enforcement.qualifiedName} e
    where ${ofResource(tables, 'e')} and ${INTENT_REVISION} is not null
      and e.realization_status = ${STATUS_WEIGHTS.DELETION_REALIZED}
      and (${points} is null or e.${POINT_COLUMN} <> all (${points}))`;

const resetSql = (tables: StatusTables, points: string): string => `
    update ${tables.enforcement.qualifiedName} e
    set realization_status = case when ${isStaying(points)} then ${STATUS_WEIGHTS.PENDING} else ${STATUS_WEIGHTS.DELETION_PENDING} end,
      is_removal = not ${isStaying(points)}, attempt = null, resource_revision = ${INTENT_REVISION}, updated_at = clock_timestamp()
    where ${ofResource(tables, 'e')} and ${INTENT_REVISION} is not null`;

/** A resource may stay at a point where it is placed already, in any state of the point. */
const placeSql = (tables: StatusTables, points: string, allowsUnknown: boolean): string => {
  const identity = identitySql(tables.overall);
  const values = tables.overall.identity.map((column, index) => `$${index + 1}::${column.format.sqlType}`).join(', ');
  return `
    insert into ${tables.enforcement.qualifiedName}
      (${identity.columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
    select ${values}, case when ${mayRefusePoint(tables, 'w.id')} and not exists (
        select from ${tables.enforcement.qualifiedName} e where ${ofResource(tables, 'e')} and e.${POINT_COLUMN} = w.id
      ) then ${refusePoint(tables, 'w.id', String(allowsUnknown))} else w.id end,
      ${STATUS_WEIGHTS.PENDING}, '', ${INTENT_REVISION}, false
    from unnest(${points}) as w (id)
    where ${INTENT_REVISION} is not null
    order by w.id
    on conflict do nothing`;
};

const isStaying = (points: string): string =>
  `(case when ${points} is null then not e.is_removal else e.${POINT_COLUMN} = any (${points}) end)`;

/** The condition that the row under this alias belongs to the resource whose identity begins at parameter `$1`. */
export const ofResource = (tables: StatusTables, alias: string): string =>
  tables.overall.identity
    .map((column, index) => `${alias}.${quoteIdentifier(column.name)} = $${index + 1}`)
    .join(' and ');
