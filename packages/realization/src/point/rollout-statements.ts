import { arrayLiteral, quoteIdentifier, type Statement } from '@intendant/core/internal';
import { type Identity, identityArrays, identitySql } from '../status/identity-set.ts';
import { IS_LOCKED } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';
import { isAlive, POINT_COLUMN, perStatusTables, type StatusTables } from '../status/status-tables.ts';

/** A point as a rollout sees it. */
export interface RolloutPoint {
  readonly id: string;
  /** As JSON. */
  readonly labels: string;
  /** New resources are placed there. */
  readonly isOpen: boolean;
}

/** Which way resources are moved: to the point, or away from it. */
export type Direction = 'place' | 'unplace';

/** The identities of the next resources to be moved, in order, after the one that was reached. */
export const nextToMove = (
  tables: StatusTables,
  direction: Direction,
  point: RolloutPoint,
  reached: Identity | null,
  limit: number,
): Statement => ({
  name: `next-to-${direction}`,
  text: reached === null ? searchSql(tables)[direction].first : searchSql(tables)[direction].next,
  values: [point.id, point.labels, String(point.isOpen), String(limit), ...(reached ?? [])],
});

/** How many resources are to be moved. */
export const countToMove = (tables: StatusTables, direction: Direction, point: RolloutPoint): Statement => ({
  name: `count-to-${direction}`,
  text: searchSql(tables)[direction].count,
  values: [point.id, point.labels, String(point.isOpen)],
});

const searchSql = perStatusTables((tables) => ({
  place: searchTexts(tables, toPlace),
  unplace: searchTexts(tables, toUnplace),
}));

function searchTexts(tables: StatusTables, from: (tables: StatusTables) => string) {
  const columns = tables.overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}`);
  const values = tables.overall.identity.map(({ format }, index) => `$${index + 5}::${format.sqlType}`);
  const page = (after: string): string => `
    select ${columns.map((column) => `${column}::text`).join(', ')} ${from(tables)} ${after}
    order by ${columns.join(', ')}
    limit $4::bigint`;
  return {
    first: page(''),
    next: page(`and (${columns.join(', ')}) > (${values.join(', ')})`),
    count: `select count(*) ${from(tables)}`,
  };
}

const matches = 'intendant.labels_match($2::jsonb, o.placement_selector)';

/** Those that are to be at the point and aren't. */
function toPlace(tables: StatusTables): string {
  const { same } = identitySql(tables.overall);
  return `
    from ${tables.overall.qualifiedName} o
    join ${tables.resource.qualifiedName} r on ${same('r', 'o')}
    left join ${tables.enforcement.qualifiedName} e on ${same('e', 'o')} and e.${POINT_COLUMN} = $1
    where $3::boolean and o.placement_selector is not null and ${matches} and ${isAlive(tables, 'r')}
      and (e.${POINT_COLUMN} is null or e.is_removal)`;
}

/** Those that are at the point and aren't to be. A point that was removed lets go of all. */
function toUnplace(tables: StatusTables): string {
  const { same } = identitySql(tables.overall);
  return `
    from ${tables.enforcement.qualifiedName} e
    join ${tables.overall.qualifiedName} o on ${same('o', 'e')}
    where e.${POINT_COLUMN} = $1 and not e.is_removal
      and (not $3::boolean or o.placement_selector is not null and not ${matches})`;
}

/** Moves those of the set that are locked, if they are still to be moved. Answers how many were. */
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

/** Forgets what is at the point, without anybody there being told. */
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
    return `select * from unnest(${arrays.join(', ')}) with ordinality as i (${identity.columns}, ordinal) where ${IS_LOCKED}`;
  };
  const revision = 'coalesce(r.revision, o.resource_revision)';
  return {
    place: `
    insert into ${tables.enforcement.qualifiedName} as e
      (${identity.columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
    select ${identity.of('o')}, $1, ${STATUS_WEIGHTS.PENDING}, '', r.revision, false
    from (${locked(4)}) i
    join ${tables.overall.qualifiedName} o on ${identity.same('o', 'i')}
    join ${tables.resource.qualifiedName} r on ${identity.same('r', 'i')}
    where $3::boolean and o.placement_selector is not null and ${matches} and ${isAlive(tables, 'r')}
    order by ${identity.of('o')}
    on conflict (${identity.columns}, ${POINT_COLUMN}) do update
    set realization_status = excluded.realization_status, resource_revision = excluded.resource_revision,
      is_removal = false, updated_at = clock_timestamp()
    where e.is_removal`,
    unplace: `
    update ${tables.enforcement.qualifiedName} e
    set realization_status = ${STATUS_WEIGHTS.DELETION_PENDING}, is_removal = true, resource_revision = ${revision},
      updated_at = clock_timestamp()
    from (${locked(4)}) i
    join ${tables.overall.qualifiedName} o on ${identity.same('o', 'i')}
    left join ${tables.resource.qualifiedName} r on ${identity.same('r', 'i')}
    where ${identity.same('e', 'i')} and e.${POINT_COLUMN} = $1 and not e.is_removal
      and (not $3::boolean or o.placement_selector is not null and not ${matches})`,
    forget: `
    delete from ${tables.enforcement.qualifiedName} e
    using (${locked(2)}) i
    where ${identity.same('e', 'i')} and e.${POINT_COLUMN} = $1`,
  };
});

/** Everything at the point, removals included: what a removal by force forgets. */
export const nextToForget = (
  tables: StatusTables,
  point: RolloutPoint,
  reached: Identity | null,
  limit: number,
): Statement => ({
  name: 'next-to-forget',
  text: reached === null ? forgettableSql(tables).first : forgettableSql(tables).next,
  values: [point.id, null, null, String(limit), ...(reached ?? [])],
});

const forgettableSql = perStatusTables((tables) =>
  searchTexts(
    tables,
    () => `
    from ${tables.enforcement.qualifiedName} e
    join ${tables.overall.qualifiedName} o on ${identitySql(tables.overall).same('o', 'e')}
    where e.${POINT_COLUMN} = $1 and $2::text is null and $3::text is null`,
  ),
);

/** The identities that a search answered. */
export const foundIdentities = (rows: readonly (readonly (string | null)[])[]): Identity[] =>
  rows.map((row) => row.map((value) => value ?? ''));

/** Takes the jobs of a point off their queue. Runs as the login. */
export const dropJobs = (queue: string): Statement => ({
  name: 'drop-jobs',
  text: 'delete from intendant_jobs.job_common where name = any ($1::text[])',
  values: [arrayLiteral([queue])],
});
