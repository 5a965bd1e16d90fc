import { arrayLiteral, quoteIdentifier, type Statement, type StatementResult } from '@intendant/core/internal';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { allResourcesOf, resourcesOf, settledResourcesOf } from '../resource/resource-rows.ts';
import { isAlive, POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { IS_LOCKED } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/** The properties of a point that a rollout needs. */
export interface RolloutPoint {
  readonly id: string;
  /** The labels as JSON. */
  readonly labels: string;
  /** Whether resources are placed there. */
  readonly isOpen: boolean;
  /** Whether the point no longer exists, so that its rows are deleted. */
  readonly isForced: boolean;
}

/** Which way resources are moved: to the point, or away from it. */
export type Direction = 'place' | 'unplace';

/** A resource of a page, and what must be done with it. */
export interface PagedResource {
  readonly identity: Identity;
  readonly wanted: Direction | null;
}

/**
 * Reads the next resources in key order. A page is a number of examined resources, not of matching ones, and is read
 * before anything is joined. So a step has the same cost with any statistics.
 */
export const nextPage = (
  tables: StatusTables,
  point: RolloutPoint,
  reached: Identity | null,
  limit: number,
): Statement => ({
  name: 'next-rollout-page',
  text: reached === null ? pageSql(tables).first : pageSql(tables).next,
  values: [...pointValues(point), String(limit), ...(reached ?? [])],
});

/** Counts the resources that must be moved. */
export const countToMove = (tables: StatusTables, point: RolloutPoint): Statement => ({
  name: 'count-to-move',
  text: pageSql(tables).count,
  values: pointValues(point),
});

export const pageOf = ({ rows }: StatementResult): PagedResource[] =>
  rows.map(([wanted, ...identity]) => ({
    identity: identity.map((value) => value ?? ''),
    wanted: (wanted ?? null) as Direction | null,
  }));

const pointValues = ({ id, labels, isOpen, isForced }: RolloutPoint): string[] => [
  id,
  labels,
  String(isOpen),
  String(isForced),
];

const pageSql = perStatusTables((tables) => {
  const columns = tables.overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}`).join(', ');
  const texts = tables.overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}::text`).join(', ');
  const values = tables.overall.identity.map(({ format }, index) => `$${index + 6}::${format.sqlType}`).join(', ');
  const page = (after: string): string => `
    with page as materialized (
      select * from ${tables.overall.qualifiedName} o ${after} order by ${columns} limit $5::bigint
    )
    select ${wanted(tables)}, ${texts} from page o ${joined(tables, settledResourcesOf(tables, 'o', 'page o'))} order by ${columns}`;
  return {
    first: page(''),
    next: page(`where (${columns}) > (${values})`),
    count: `select count(${wanted(tables)}) from ${tables.overall.qualifiedName} o ${joined(tables, allResourcesOf(tables, 'o'))}`,
  };
});

const matches = 'intendant.labels_match($2::jsonb, o.placement_selector)';
const isSelected = `($3::boolean and o.placement_selector is not null and ${matches})`;
const isUnwanted = `(not $3::boolean or o.placement_selector is not null and not ${matches})`;

const joined = (tables: StatusTables, resources: string): string => {
  const { same } = identitySql(tables.overall);
  return `
    left join ${resources}
    left join ${tables.enforcement.qualifiedName} e on ${same('e', 'o')} and e.${POINT_COLUMN} = $1`;
};

/** A forced removal also deletes the rows of running removals. */
const wanted = (tables: StatusTables): string => `
    case
      when ${isSelected} and ${isAlive(tables, 'r')} and coalesce(e.is_removal, true) then 'place'
      when (not e.is_removal or $4::boolean and e.is_removal) and ${isUnwanted} then 'unplace'
    end`;

/** Moves those locked resources of the set that still must be moved. Returns their number. */
export const move = (
  tables: StatusTables,
  direction: Direction,
  point: RolloutPoint,
  identities: readonly Identity[],
): Statement => ({
  name: direction,
  text: moveSql(tables)[direction],
  values: [point.id, point.labels, String(point.isOpen), ...identityArrays(tables.overall, identities)],
});

/**
 * Deletes the rows of the point, without jobs that would unrealize resources there. A resource that is at no other
 * point becomes REALIZED.
 */
export const forget = (tables: StatusTables, point: RolloutPoint, identities: readonly Identity[]): Statement => ({
  name: 'forget-point',
  text: moveSql(tables).forget,
  values: [point.id, ...identityArrays(tables.overall, identities)],
});

const moveSql = perStatusTables((tables) => {
  const identity = identitySql(tables.overall);
  const locked = (firstParameter: number): string => {
    const arrays = tables.overall.identity.map(
      ({ format }, index) => `$${firstParameter + index}::${format.sqlType}[]`,
    );
    return `select * from unnest(${arrays.join(', ')}) with ordinality as i (${identity.columns}, intendant_ordinal) where ${IS_LOCKED}`;
  };
  const revision = 'coalesce(r.revision, o.resource_revision)';
  return {
    place: `
    insert into ${tables.enforcement.qualifiedName} as e
      (${identity.columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
    select ${identity.of('o')}, $1, ${STATUS_WEIGHTS.PENDING}, '', r.revision, false
    from (${locked(4)}) i
    join ${tables.overall.qualifiedName} o on ${identity.same('o', 'i')}
    join ${settledResourcesOf(tables, 'i', `(${locked(4)}) i`)}
    where ${isSelected} and ${isAlive(tables, 'r')}
    order by ${identity.of('o')}
    on conflict (${identity.columns}, ${POINT_COLUMN}) do update
    set realization_status = excluded.realization_status, resource_revision = excluded.resource_revision,
      is_removal = false, attempt = null, updated_at = clock_timestamp()
    where e.is_removal`,
    unplace: `
    update ${tables.enforcement.qualifiedName} e
    set realization_status = ${STATUS_WEIGHTS.DELETION_PENDING}, is_removal = true, attempt = null, resource_revision = ${revision},
      updated_at = clock_timestamp()
    from (${locked(4)}) i
    join ${tables.overall.qualifiedName} o on ${identity.same('o', 'i')}
    left join ${settledResourcesOf(tables, 'i', `(${locked(4)}) i`)}
    where ${identity.same('e', 'i')} and e.${POINT_COLUMN} = $1 and not e.is_removal
      and ${isUnwanted}`,
    forget: `
    with forgotten as (
      delete from ${tables.enforcement.qualifiedName} e
      using (${locked(2)}) i
      where ${identity.same('e', 'i')} and e.${POINT_COLUMN} = $1
      returning e.*
    ), nowhere as (
      update ${tables.overall.qualifiedName} o set realization_status = ${STATUS_WEIGHTS.REALIZED}, updated_at = clock_timestamp()
      from forgotten f join ${resourcesOf(tables, 'f', 'forgotten f')}
      where ${identity.same('o', 'f')} and ${isAlive(tables, 'r')} and not exists (
        select from ${tables.enforcement.qualifiedName} e where ${identity.same('e', 'o')} and e.${POINT_COLUMN} <> $1
      )
    )
    select from forgotten`,
  };
});

/** Deletes the jobs of a point. Runs as the login. */
export const dropJobs = (queue: string): Statement => ({
  name: 'drop-jobs',
  text: 'delete from intendant_jobs.job_common where name = any ($1::text[])',
  values: [arrayLiteral([queue])],
});
