import { arrayLiteral, type Statement } from '@intendant/core/internal';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { hasResource, resourcesOf, settledResourcesOf } from '../resource/resource-rows.ts';
import { isAlive, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { MAX_DETAILS_LENGTH } from './details.ts';
import { DELETION_WEIGHTS, STATUS_WEIGHTS } from './status.ts';

/*
 * The overall status row is the lock of the resource.
 *
 * Assume that two points finish at the same time. Each writes its own enforcement row and then reads the heaviest of
 * all. Neither sees the uncommitted row of the other, so both find a heavier status than their own, both write that,
 * and the resource stays PENDING for ever. Therefore every transaction that changes a resource first locks its
 * overall row, or inserts it, which locks it too.
 *
 * Locking and reading must be separate statements. Under READ COMMITTED a statement sees what was committed before it
 * *began*: a statement that locks and reads would wait for the lock with an old snapshot. The next statement takes a
 * new snapshot, and by then the previous holder of the lock has committed.
 *
 * Sets are locked in the order of the identity, so that two overlapping sets cannot deadlock.
 */

/** A reference to one resource at one revision. */
export interface ResourceRevision {
  readonly identity: Identity;
  readonly revision: number;
}

/**
 * Locks the existing overall rows in the order of the identity, and stores in a setting which ones were locked: later
 * statements may touch only these. A row that was missing, or that a purge deleted while we waited, is not among
 * them, even if it was inserted again in the meantime.
 */
export const lockOverallStatus = (tables: StatusTables, identities: readonly Identity[]): Statement => ({
  name: 'lock-overall-status',
  text: lockSql(tables),
  values: identityArrays(tables.overall, identities),
});

/** The same for rows that no other transaction has locked: for work that can be done later and must not wait. */
export const lockFreeOverallStatus = (tables: StatusTables, identities: readonly Identity[]): Statement => ({
  name: 'lock-free-overall-status',
  text: lockFreeSql(tables),
  values: identityArrays(tables.overall, identities),
});

/** The setting in which `lockOverallStatus` leaves the ordinals of what it locked. */
export const LOCKED = 'intendant.locked_resources';

/** The condition that an item of the set was locked, by its `intendant_ordinal`. */
export const IS_LOCKED = `intendant_ordinal = any ((select current_setting('${LOCKED}')::bigint[])::bigint[])`;

const lockSql = perStatusTables((tables) => lockText(tables, '', ''));

/** Returns the number of locked rows, and as JSON the ordinals of rows that another transaction has locked. */
const lockFreeSql = perStatusTables((tables) => {
  const { arrays, columns, same } = identitySql(tables.overall);
  const elsewhere = `
      , count(*), (
        select coalesce(json_agg(i.intendant_ordinal), '[]') from unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal)
        where not exists (select from locked had where had.intendant_ordinal = i.intendant_ordinal)
          and exists (select from ${tables.overall.qualifiedName} o where ${same('o', 'i')})
      )`;
  return lockText(tables, ' skip locked', elsewhere);
});

function lockText({ overall }: StatusTables, whenLocked: string, extraColumns: string): string {
  const identity = identitySql(overall);
  return `
    with locked as (
      select i.intendant_ordinal from ${overall.qualifiedName} o
      join unnest(${identity.arrays}) with ordinality as i (${identity.columns}, intendant_ordinal) on ${identity.same('o', 'i')}
      order by ${identity.of('o')}
      for no key update of o${whenLocked}
    )
    select set_config('${LOCKED}', coalesce(array_agg(locked.intendant_ordinal)::text, '{}'), true)${extraColumns} from locked`;
}

/** The resources to lock, and whether a missing row is created even if the resource does not exist. */
export interface RevisionToLock extends ResourceRevision {
  readonly makesRow: boolean;
}

/**
 * Locks the overall rows, and inserts missing ones: for existing resources, and for those that request it (`makesRow`).
 * An insert that conflicts with a row locks it; one that conflicts with a row that is being deleted inserts a new one.
 * So there is no gap. The condition that is never true prevents a change of an existing row.
 */
export const insertOrLockOverallStatus = (tables: StatusTables, revisions: readonly RevisionToLock[]): Statement => ({
  name: 'insert-or-lock-overall-status',
  text: insertOrLockSql(tables),
  values: [
    ...identityArrays(
      tables.overall,
      revisions.map(({ identity }) => identity),
    ),
    arrayLiteral(revisions.map(({ makesRow }) => String(makesRow))),
    arrayLiteral(revisions.map(({ revision }) => String(revision))),
  ],
});

const insertOrLockSql = perStatusTables((tables) =>
  insertOrLockText(tables, 'i.intendant_makes_row or r.revision is not null or'),
);

/** The same for resources that have an overall row, or had one when the statement began. */
export const lockKnownOverallStatus = (tables: StatusTables, identity: Identity): Statement => ({
  ...insertOrLockOverallStatus(tables, [{ identity, makesRow: false, revision: 0 }]),
  text: lockKnownSql(tables),
});

const lockKnownSql = perStatusTables((tables) => insertOrLockText(tables, ''));

function insertOrLockText(tables: StatusTables, wanted: string): string {
  const identity = identitySql(tables.overall);
  const next = identity.parameterCount + 1;
  const items = `unnest(${identity.arrays}, $${next}::boolean[], $${next + 1}::bigint[])
      as i (${identity.columns}, intendant_makes_row, intendant_revision)`;
  return `
    insert into ${tables.overall.qualifiedName} as o
      (${identity.columns}, realization_status, additional_details, resource_revision)
    select distinct on (${identity.of('i')})
      ${identity.of('i')}, ${STATUS_WEIGHTS.UNKNOWN}, '', coalesce(r.revision, i.intendant_revision)
    from ${items}
    left join ${settledResourcesOf(tables, 'i', items)}
    where ${wanted} exists (select from ${tables.overall.qualifiedName} known where ${identity.same('known', 'i')})
    order by ${identity.of('i')}, i.intendant_revision desc
    on conflict (${identity.columns}) do update set updated_at = o.updated_at where false`;
}

/** Deletes rows that were inserted only to be locked, because no operation leaves the status UNKNOWN. */
export const deleteUnknownStatus = (tables: StatusTables, identities: readonly Identity[]): Statement => ({
  name: 'delete-unknown-status',
  text: deleteUnknownSql(tables),
  values: identityArrays(tables.overall, identities),
});

/** The same for existing resources: the row of a resource that was just deleted must show its deletion. */
export const deleteUnknownStatusOfExisting = (tables: StatusTables, identities: readonly Identity[]): Statement => ({
  name: 'delete-unknown-status-of-existing',
  text: deleteUnknownOfExistingSql(tables),
  values: identityArrays(tables.overall, identities),
});

const deleteUnknownSql = perStatusTables((tables) => deleteUnknownText(tables, ''));
const deleteUnknownOfExistingSql = perStatusTables((tables) =>
  deleteUnknownText(tables, ` and ${hasResource(tables, 'o')}`),
);

function deleteUnknownText(tables: StatusTables, condition: string): string {
  const { arrays, columns, same } = identitySql(tables.overall);
  return `
    delete from ${tables.overall.qualifiedName} o
    using (select distinct ${columns} from unnest(${arrays}) as given (${columns})) i
    where ${same('o', 'i')} and o.realization_status = ${STATUS_WEIGHTS.UNKNOWN}
      and not exists (select from ${tables.enforcement.qualifiedName} e where ${same('e', 'o')})${condition}`;
}

/** The error of the overall row, if it concerns the current revision. */
export interface ErrorNote extends ResourceRevision {
  /** Null: no error. */
  readonly text: string | null;
}

/**
 * Writes the overall row from the enforcement rows: the heaviest status among those at the current revision. Removals
 * from a point count only if there is nothing else, so that no removal delays an existing resource; their errors do
 * count. Needs the lock.
 */
export const recomputeLocked = (tables: StatusTables, notes: readonly ErrorNote[]): Statement => ({
  name: 'recompute-overall-status',
  text: recomputeLockedSql(tables),
  values: [
    ...identityArrays(
      tables.overall,
      notes.map(({ identity }) => identity),
    ),
    arrayLiteral(notes.map(({ revision }) => String(revision))),
    arrayLiteral(notes.map(({ text }) => text)),
  ],
});

const recomputeLockedSql = perStatusTables((tables) => recomputeSql(tables, IS_LOCKED));

/** Only items of the set whose `intendant_ordinal` meets a condition. */
function recomputeSql(tables: StatusTables, condition: string): string {
  const identity = identitySql(tables.overall);
  const next = identity.parameterCount + 1;
  return `
    with item as (
      select * from unnest(${identity.arrays}, $${next}::bigint[], $${next + 1}::text[])
        with ordinality as i (${identity.columns}, intendant_revision, intendant_note, intendant_ordinal)
      where ${condition}
    ),
    state as (
      ${currentState(tables, `(select distinct ${identity.of('item')} from item)`)}
    ),
    news as (
      select ${identity.of('i')}, string_agg(i.intendant_note, '; ' order by i.intendant_ordinal desc) as intendant_text
      from item i join state s on ${identity.same('i', 's')} and i.intendant_revision = s.intendant_current
      where i.intendant_note is not null
      group by ${identity.of('i')}
    ),
    verdict as (
      select ${identity.of('s')}, s.intendant_current,
        ${overallStatusOf({ heavy: 'heavy', isAlive: 's.intendant_is_alive', revision: 's.intendant_row_revision', stored: 's.realization_status' })} as intendant_status,
        case when heavy.has_error
          then left(concat_ws('; ', n.intendant_text, nullif(s.additional_details, '')), ${MAX_DETAILS_LENGTH}) else '' end as intendant_details
      from state s
      left join news n on ${identity.same('n', 's')}
      cross join lateral (${heaviestOf(tables, identity.same('e', 's'), 's')}) heavy
    )
    update ${tables.overall.qualifiedName} o
    set realization_status = v.intendant_status, additional_details = v.intendant_details, resource_revision = v.intendant_current,
      updated_at = clock_timestamp()
    from verdict v
    where ${identity.same('o', 'v')}
      and (o.realization_status, o.additional_details, o.resource_revision)
        is distinct from (v.intendant_status, v.intendant_details, v.intendant_current)`;
}

/** Each resource's current revision, whether it exists, and its previous overall status. */
function currentState(tables: StatusTables, identities: string): string {
  const identity = identitySql(tables.overall);
  const alive = isAlive(tables, 'r');
  return `
      select ${identity.of('o')}, o.realization_status, o.additional_details, ${alive} as intendant_is_alive,
        coalesce(r.revision, o.resource_revision) as intendant_current,
        r.revision as intendant_row_revision
      from ${identities} d
      join ${tables.overall.qualifiedName} o on ${identity.same('o', 'd')}
      left join ${resourcesOf(tables, 'd', `${identities} d`)}`;
}

/** The overall status of a resource that was never placed anywhere, in SQL. */
export const statusOfNone = (isAliveSql: string, revision: string): string =>
  `case when ${isAliveSql} then ${STATUS_WEIGHTS.PENDING} when ${revision} is not null then ${STATUS_WEIGHTS.DELETION_PENDING} else ${STATUS_WEIGHTS.DELETION_REALIZED} end`;

/** SQL expressions for the parts of an overall status. */
export interface OverallParts {
  /** The result of `heaviestOf`. */
  readonly heavy: string;
  /** Whether the resource is there and not soft-deleted. */
  readonly isAlive: string;
  /** The revision of the resource's row; null if it was deleted. */
  readonly revision: string;
  /** The previous overall status. */
  readonly stored: string;
}

/**
 * The overall status, in SQL. An existing resource that was removed from all of its points is REALIZED, like one whose
 * intent has no points, and becomes DELETION_REALIZED when it is soft-deleted. A resource that was never placed
 * anywhere waits for its points.
 */
export const overallStatusOf = ({ heavy, isAlive: alive, revision, stored }: OverallParts): string => `coalesce(
          ${heavy}.heaviest_kept, nullif(${heavy}.heaviest, case when ${alive} then ${STATUS_WEIGHTS.DELETION_REALIZED} end),
          case
            when ${alive} and (${heavy}.heaviest is not null or ${heavy}.row_count = 0 and ${stored} = ${STATUS_WEIGHTS.REALIZED})
              then ${STATUS_WEIGHTS.REALIZED}
            when not ${alive} and ${heavy}.row_count = 0 and ${stored} = ${STATUS_WEIGHTS.DELETION_REALIZED}
              then ${STATUS_WEIGHTS.DELETION_REALIZED}
            else ${statusOfNone(alive, revision)} end)`;

/**
 * The heaviest of the enforcement rows `e` of one resource at its current revision: among all, and among those that
 * count while the resource exists. `state` contains the resource's `intendant_is_alive` and `intendant_current`.
 */
export function heaviestOf(tables: StatusTables, ofResource: string, state: string, into = ''): string {
  const isCurrent = `e.resource_revision = ${state}.intendant_current`;
  return `
        select max(e.realization_status) filter (where ${isCurrent}) as heaviest,
          max(e.realization_status) filter (
            where ${isCurrent} and not (${state}.intendant_is_alive and e.realization_status in (${DELETION_WEIGHTS.join(', ')}))
          ) as heaviest_kept,
          bool_or(e.realization_status = ${STATUS_WEIGHTS.ERROR}) filter (where ${isCurrent}) as has_error,
          count(*) as row_count ${into}
        from ${tables.enforcement.qualifiedName} e
        where ${ofResource}`;
}
