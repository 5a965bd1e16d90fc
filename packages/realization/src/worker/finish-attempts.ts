import {
  arrayLiteral,
  type DataStoreInternals,
  type Statement,
  type StatementResult,
  serviceScope,
} from '@intendant/core/internal';
import { enqueueCall, orgIdOf } from '../job/enqueue.ts';
import { JOBS_SCHEMA } from '../job/job-functions.ts';
import { identityArrays, identitySql } from '../resource/identity-set.ts';
import { KEEP_PLANS } from '../resource/keep-plans.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { isAlive, POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { recomputeSql } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Settled } from './settler.ts';

/*
 * The final marks of all successful attempts that ended together, in one exchange: lock, complete the jobs, mark, recompute
 * the overall status, and add a job for each resource whose revision is no longer the newest.
 *
 * Rows locked by another transaction are skipped, and their attempts finish later: one slow transaction must not delay
 * the others. Each step stores in a setting for which attempts it succeeded, and the next step uses only these: those
 * whose row was locked, those whose claim was still valid, those that were marked.
 */

const LOCKED = 'intendant.locked_attempts';
const HELD = 'intendant.held_attempts';
const MARKED = 'intendant.marked_attempts';

const isAmong = (setting: string): string => `intendant_ordinal = any (current_setting('${setting}')::bigint[])`;

export async function finishAttempts(
  { executor, exchange }: DataStoreInternals,
  tables: StatusTables,
  enforcementPoint: string,
  attempts: readonly BegunAttempt[],
): Promise<(Settled | 'contended')[]> {
  const identities = identityArrays(
    tables.overall,
    attempts.map(({ job }) => job.identity),
  );
  const marks = [...identities, ...markArrays(attempts), enforcementPoint];
  const [lock, , remove, , mark] = await executor.run(SERVICE_SCOPE, [
    { name: 'lock-attempts', text: lockSql(tables), values: identities },
    exchange.settings.statement(serviceScope),
    removeStatement(attempts),
    exchange.settings.statement(SERVICE_SCOPE),
    { name: 'mark-finished', text: markSql(tables), values: marks },
    recomputeFinished(tables, identities, attempts.length),
    { name: 'enqueue-outdated', text: enqueueOutdatedSql(tables), values: marks },
  ]);
  const [locked, held, marked] = [ordinalsOf(lock), ordinalsOf(remove), ordinalsOf(mark)];
  return attempts.map((attempt, index) => {
    const ordinal = index + 1;
    if (!locked.has(ordinal)) return 'contended';
    if (!held.has(ordinal)) return 'lost';
    return hasMark(attempt) && !marked.has(ordinal) ? 'stale' : 'settled';
  });
}

/** Whether the attempt has a row at the point and has called a handler. */
export const hasMark = ({ isTracked, action }: BegunAttempt): boolean =>
  isTracked && (action === 'realize' || action === 'unrealize');

const markArrays = (attempts: readonly BegunAttempt[]): string[] => [
  arrayLiteral(attempts.map(({ revision }) => String(revision))),
  arrayLiteral(attempts.map(({ action }) => String(action === 'unrealize'))),
  arrayLiteral(attempts.map((attempt) => String(hasMark(attempt)))),
];

/** Each statement returns one row: the array that it stored in its setting. */
const ordinalsOf = (answer: StatementResult | undefined): Set<number> => {
  const literal = answer?.rows[0]?.[0] ?? '{}';
  return new Set(literal === '{}' ? [] : literal.slice(1, -1).split(',').map(Number));
};

const note = (setting: string): string =>
  `set_config('${setting}', coalesce(array_agg(intendant_ordinal)::text, '{}'), true)`;

const lockSql = perStatusTables((tables) => {
  const { arrays, columns, same, of } = identitySql(tables.overall);
  const item = `unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal)`;
  return `
    with locked as (
      select i.intendant_ordinal from ${tables.overall.qualifiedName} o
      join ${item} on ${same('o', 'i')}
      order by ${of('o')}
      for no key update of o skip locked
    ),
    unknown as (
      select i.intendant_ordinal from ${item}
      where not exists (select from ${tables.overall.qualifiedName} o where ${same('o', 'i')})
    )
    select ${note(LOCKED)}, ${KEEP_PLANS} from (select intendant_ordinal from locked union all select intendant_ordinal from unknown) had`;
});

const removeStatement = (attempts: readonly BegunAttempt[]): Statement => ({
  name: 'remove-finished',
  text: REMOVE,
  values: [
    (attempts[0] as BegunAttempt).job.queue,
    arrayLiteral(attempts.map(({ job }) => job.id)),
    arrayLiteral(attempts.map(({ job }) => `${job.id}:${job.retryCount}`)),
  ],
});

/**
 * With a condition on the attempt number: it changes when a job is taken over. Ids and names are arrays, not a join: if few
 * jobs were running when the table was last analyzed, Postgres plans a join as a loop over all pairs.
 */
const REMOVE = `
    with removed as (
      delete from ${JOBS_SCHEMA}.job_common j
      where j.name = $1 and j.state = 'active' and j.id::text || ':' || j.retry_count = any ($3::text[])
        and j.id = any (array(
          select c.id from unnest($2::uuid[]) with ordinality as c (id, intendant_ordinal) where c.${isAmong(LOCKED)}
        ))
      returning j.id
    )
    select ${note(HELD)}
    from unnest($2::uuid[]) with ordinality as c (id, intendant_ordinal)
    where c.id = any (array(select removed.id from removed))`;

const attemptSql = (tables: StatusTables): string => {
  const { arrays, columns, parameterCount } = identitySql(tables.overall);
  return `unnest(${arrays}, $${parameterCount + 1}::bigint[], $${parameterCount + 2}::boolean[], $${parameterCount + 3}::boolean[])
        with ordinality as a (${columns}, intendant_revision, intendant_is_removal, intendant_has_mark, intendant_ordinal)`;
};

const pointOf = (tables: StatusTables): string => `$${identitySql(tables.overall).parameterCount + 4}::text`;

/** Only if the revision is still the newest and the placement at the point is unchanged: the rule for marks of workers. */
const markSql = perStatusTables((tables) => {
  const { same } = identitySql(tables.overall);
  return `
    with current as (
      select a.*
      from ${attemptSql(tables)}
      join ${tables.overall.qualifiedName} o on ${same('o', 'a')}
      left join ${tables.resource.qualifiedName} r on ${same('r', 'a')}
      where a.intendant_has_mark and a.${isAmong(HELD)} and a.intendant_revision = coalesce(r.revision, o.resource_revision)
        and (a.intendant_is_removal or ${isAlive(tables, 'r')})
    ),
    marked as (
      update ${tables.enforcement.qualifiedName} e
      set realization_status = case when a.intendant_is_removal then ${STATUS_WEIGHTS.DELETION_REALIZED} else ${STATUS_WEIGHTS.REALIZED} end,
        is_removal = a.intendant_is_removal, additional_details = '', updated_at = clock_timestamp()
      from current a
      where ${same('e', 'a')} and e.${POINT_COLUMN} = ${pointOf(tables)} and e.resource_revision = a.intendant_revision and e.is_removal = a.intendant_is_removal
      returning a.intendant_ordinal
    )
    select ${note(MARKED)} from marked`;
});

const recomputeFinished = (tables: StatusTables, identities: readonly string[], count: number): Statement => ({
  name: 'recompute-finished',
  text: recomputeFinishedSql(tables),
  values: [...identities, arrayLiteral(new Array(count).fill('0')), arrayLiteral(new Array(count).fill(null))],
});
const recomputeFinishedSql = perStatusTables((tables) => recomputeSql(tables, isAmong(MARKED)));

const enqueueOutdatedSql = perStatusTables((tables) => {
  const { json } = identitySql(tables.overall);
  return `
    select ${enqueueCall(tables, `array_agg(${pointOf(tables)})`, `array_agg(${json('a')})`, `array_agg(${orgIdOf(tables, 'a')})`)}
    from ${attemptSql(tables)}
    where a.intendant_has_mark and a.${isAmong(HELD)} and not a.${isAmong(MARKED)}
    having count(*) > 0`;
});
