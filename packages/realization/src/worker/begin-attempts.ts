import {
  arrayLiteral,
  type Executor,
  quoteIdentifier,
  readRow,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';
import type { ClaimedJob } from '../job/job-queue.ts';
import { identityArrays, identitySql } from '../resource/identity-set.ts';
import { KEEP_PLANS } from '../resource/keep-plans.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { isAlive, POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { dropUnfoundedStatus, insertOrLockOverallStatus, recomputeSql } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * The first mark of an attempt. A claimed job names a resource; the intent is read here, and only with the overall
 * row locked (reason: persist-intent.ts). All jobs that were claimed together begin in one exchange: lock, read, mark
 * IN_PROGRESS, recompute.
 *
 * Rows locked by another transaction are skipped, so that one slow transaction does not delay a batch. A setting
 * passes the locked rows to the later statements, which use only these: reading the locks again would use a snapshot
 * that may be older than the lock.
 */

/** `observe`: it is realized already, so there is time to look whether it still is. */
export type Action = 'realize' | 'unrealize' | 'observe' | 'nothing';

/** What is wanted at the point, as of the lock. */
export interface BegunAttempt {
  readonly job: ClaimedJob;
  readonly action: Action;
  /** The resource's row; null if it does not exist. */
  readonly record: Record<string, unknown> | null;
  readonly revision: number;
  /** There is a status row at this point to mark; without one the removal is only seen to. */
  readonly isTracked: boolean;
}

export interface Begun {
  readonly attempts: readonly BegunAttempt[];
  /** Locked by another transaction: retried after a short wait. */
  readonly contended: readonly ClaimedJob[];
}

export async function beginAttempts(
  executor: Executor,
  tables: StatusTables,
  enforcementPoint: string,
  jobs: readonly ClaimedJob[],
  attemptLimit: number,
): Promise<Begun> {
  const begin = (some: readonly ClaimedJob[], makesRows: boolean) =>
    beginFree({ executor, tables, enforcementPoint, jobs: some, attemptLimit, makesRows });
  const { attempts, unknown } = await begin(jobs, false);
  if (unknown.length > 0) attempts.push(...(await begin(unknown, true)).attempts);
  const begun = new Set(attempts.map(({ job }) => job));
  return { attempts, contended: jobs.filter((job) => !begun.has(job)) };
}

interface Beginning {
  readonly executor: Executor;
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
  readonly jobs: readonly ClaimedJob[];
  readonly attemptLimit: number;
  readonly makesRows: boolean;
}

/**
 * `unknown` are the jobs without a row to lock. A transaction may be inserting this row, and its job may have been
 * absorbed by the claimed one. So these attempts begin with an insert of the row, which waits for such a transaction;
 * the row is deleted afterwards.
 */
async function beginFree({
  executor,
  tables,
  enforcementPoint,
  jobs,
  attemptLimit,
  makesRows,
}: Beginning): Promise<{ attempts: BegunAttempt[]; unknown: ClaimedJob[] }> {
  const resources = jobs.map(({ identity }) => identity);
  const identities = identityArrays(tables.overall, resources);
  const remarks = resources.map((identity) => ({ identity, isRemoval: true, revision: 0 }));
  const before = makesRows ? [insertOrLockOverallStatus(tables, remarks)] : [];
  const answers = await executor.run(SERVICE_SCOPE, [
    ...before,
    { name: 'lock-what-is-free', text: lockFreeSql(tables), values: identities },
    { name: 'read-intents', text: readSql(tables), values: [...identities, enforcementPoint] },
    {
      name: 'mark-begun',
      text: markSql(tables),
      values: [...identities, enforcementPoint, attemptNumbers(jobs, attemptLimit)],
    },
    recomputeBegun(tables, identities, jobs.length),
    ...(makesRows ? [dropUnfoundedStatus(tables, resources)] : []),
  ]);
  const [lock, read] = answers.slice(before.length) as [StatementResult, StatementResult];
  return {
    attempts: read.rows.map((row) => readAttempt(tables, jobs, row)),
    unknown: ordinalsOf(lock.rows[0]?.[1]).map((ordinal) => jobs[ordinal - 1] as ClaimedJob),
  };
}

const ordinalsOf = (literal: string | null | undefined): number[] =>
  literal ? literal.slice(1, -1).split(',').map(Number) : [];

/** If the attempts of a job are used up, its error is that of the last one. */
const attemptNumbers = (jobs: readonly ClaimedJob[], attemptLimit: number): string =>
  arrayLiteral(jobs.map(({ retryCount }) => String(Math.min(retryCount + 1, attemptLimit))));

const BEGUN = 'intendant.begun_attempts';
const isBegun = `intendant_ordinal = any (current_setting('${BEGUN}')::bigint[])`;

const items = (tables: StatusTables): string => {
  const { arrays, columns } = identitySql(tables.overall);
  return `unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal)`;
};

const lockFreeSql = perStatusTables((tables) => {
  const { same, of } = identitySql(tables.overall);
  return `
    with locked as (
      select i.intendant_ordinal from ${tables.overall.qualifiedName} o
      join ${items(tables)} on ${same('o', 'i')}
      order by ${of('o')}
      for no key update of o skip locked
    ),
    unknown as (
      select i.intendant_ordinal from ${items(tables)}
      where not exists (select from ${tables.overall.qualifiedName} o where ${same('o', 'i')})
    )
    select set_config('${BEGUN}', coalesce(array_agg(locked.intendant_ordinal)::text, '{}'), true),
      (select array_agg(unknown.intendant_ordinal)::text from unknown), ${KEEP_PLANS}
    from locked`;
});

/** What there is to do at a point, from rows under the aliases o, r and e. */
const actionOf = (tables: StatusTables): string => `
      case
        when e.${POINT_COLUMN} is null then 'unrealize'
        when e.is_removal or not ${isAlive(tables, 'r')} then
          case when e.realization_status = ${STATUS_WEIGHTS.DELETION_REALIZED} and e.resource_revision = ${CURRENT} then 'nothing' else 'unrealize' end
        when e.realization_status = ${STATUS_WEIGHTS.REALIZED} and e.resource_revision = ${CURRENT} then 'observe'
        else 'realize'
      end`;

const CURRENT = 'coalesce(r.revision, o.resource_revision)';

const readSql = perStatusTables((tables) => {
  const { same, parameterCount } = identitySql(tables.overall);
  const columns = tables.resource.columns.map(({ name }) => `r.${quoteIdentifier(name)}`).join(', ');
  return `
    select i.intendant_ordinal, ${actionOf(tables)}, coalesce(${CURRENT}, 0), e.${POINT_COLUMN} is not null, r.revision is not null, ${columns}
    from ${items(tables)}
    left join ${tables.overall.qualifiedName} o on ${same('o', 'i')}
    left join ${tables.resource.qualifiedName} r on ${same('r', 'i')}
    left join ${tables.enforcement.qualifiedName} e on ${same('e', 'i')} and e.${POINT_COLUMN} = $${parameterCount + 1}
    where ${isBegun}`;
});

const markSql = perStatusTables((tables) => {
  const { same, of, parameterCount } = identitySql(tables.overall);
  return `
    with begun as (
      select ${of('i')}, ${actionOf(tables)} as intendant_action, ${CURRENT} as intendant_current,
        ($${parameterCount + 2}::integer[])[i.intendant_ordinal] as intendant_attempt
      from ${items(tables)}
      join ${tables.overall.qualifiedName} o on ${same('o', 'i')}
      join ${tables.enforcement.qualifiedName} e on ${same('e', 'i')} and e.${POINT_COLUMN} = $${parameterCount + 1}
      left join ${tables.resource.qualifiedName} r on ${same('r', 'i')}
      where ${isBegun}
    ),
    wanted as (
      select ${of('b')}, b.intendant_current, b.intendant_attempt, b.intendant_action = 'unrealize' as intendant_is_removal,
        case b.intendant_action when 'unrealize' then ${STATUS_WEIGHTS.DELETION_IN_PROGRESS} else ${STATUS_WEIGHTS.IN_PROGRESS} end as intendant_status
      from begun b where b.intendant_action in ('realize', 'unrealize')
    )
    update ${tables.enforcement.qualifiedName} e
    set realization_status = w.intendant_status, resource_revision = w.intendant_current, is_removal = w.intendant_is_removal,
      attempt = w.intendant_attempt, updated_at = clock_timestamp()
    from wanted w
    where ${same('e', 'w')} and e.${POINT_COLUMN} = $${parameterCount + 1}
      and (e.realization_status, e.resource_revision, e.is_removal, e.attempt)
        is distinct from (w.intendant_status, w.intendant_current, w.intendant_is_removal, w.intendant_attempt)`;
});

const recomputeBegun = (tables: StatusTables, identities: readonly string[], count: number): Statement => ({
  name: 'recompute-begun',
  text: recomputeBegunSql(tables),
  values: [...identities, arrayLiteral(new Array(count).fill('0')), arrayLiteral(new Array(count).fill(null))],
});
const recomputeBegunSql = perStatusTables((tables) => recomputeSql(tables, isBegun));

function readAttempt(tables: StatusTables, jobs: readonly ClaimedJob[], row: readonly (string | null)[]): BegunAttempt {
  const [ordinal, action, revision, isTracked, isThere, ...columns] = row;
  return {
    job: jobs[Number(ordinal) - 1] as ClaimedJob,
    action: action as Action,
    record: isThere === 't' ? readRow(tables.resource, columns) : null,
    revision: Number(revision),
    isTracked: isTracked === 't',
  };
}
