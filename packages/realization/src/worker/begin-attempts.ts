import type { DataStoreInternals } from '@intendant/core/internal';
import { readRow, type Statement, type StatementResult, serviceScope } from '@intendant/core/internal';
import {
  CLAIMED_JOBS,
  type ClaimedJob,
  type ClaimRequest,
  claimedJobsJson,
  claimJobs,
  readClaimedJobs,
} from '../job/claim.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { deleteUnknownStatus, insertOrLockOverallStatus } from '../status/overall-status.ts';
import { beginFunction } from './begin-function.ts';

/*
 * The first mark of an attempt. A claimed job names a resource; what is wanted of it is read only behind the lock of its
 * overall row (why: persist-intent.ts). Jobs are normally claimed and begun in one exchange, which is one transaction: the
 * claim is committed with the mark. A resource whose overall row another transaction holds is skipped, not waited for,
 * so that one slow transaction does not delay the others; its job stays claimed and is begun a little later.
 *
 * An intent that waits for the claim of its resource's job holds the overall row meanwhile. The claim never waits for an
 * overall row, so the two cannot wait for each other.
 */

/** `observe`: the resource is realized already, so the attempt checks whether it still matches its intent. */
export type Action = 'realize' | 'unrealize' | 'observe' | 'nothing';

/** The work at the point, as read under the lock. */
export interface BegunAttempt {
  readonly job: ClaimedJob;
  readonly action: Action;
  /** The resource's row; null if it was deleted. */
  readonly record: Record<string, unknown> | null;
  readonly revision: number;
  /** Whether there is a status row at this point. Without one, a removal is carried out and not reported. */
  readonly isTracked: boolean;
}

export interface Begun {
  readonly attempts: readonly BegunAttempt[];
  /** Locked by another transaction: retried after a short wait. */
  readonly contended: readonly ClaimedJob[];
  /** Jobs that do not name a resource of the table; only a tool of pg-boss can have sent them. Default: none. */
  readonly refused?: readonly ClaimedJob[];
}

export interface Beginning {
  readonly store: DataStoreInternals;
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
  readonly attemptLimit: number;
}

/** Claims jobs and begins their attempts, in one exchange. If it fails, nothing was claimed. */
export async function claimAndBegin(
  beginning: Beginning,
  queue: string,
  request: ClaimRequest,
): Promise<Begun & { readonly jobs: readonly ClaimedJob[] }> {
  const { store } = beginning;
  const { claim, begin } = await store.executor.run(serviceScope, {
    claim: claimJobs(queue, request),
    asWriter: store.exchange.settings.statements(SERVICE_SCOPE),
    begin: beginClaimed(beginning),
  });
  const jobs = readClaimedJobs(queue, claim);
  const first = readResults(beginning.tables, jobs, begin);
  // The claims are committed here. Jobs that fail now are begun again as contended ones, and that call reports the error.
  const begun = await withUnknown(beginning, jobs, first).catch(() => withoutUnknown(jobs, first.attempts));
  return { jobs, ...begun };
}

/** Whether the job has as many texts as the identity of a resource. */
export const isReadable = ({ overall }: StatusTables, { identity }: ClaimedJob): boolean =>
  identity.length === overall.identity.length;

/** Begins the attempts of jobs that were claimed before. */
export async function beginAttempts(beginning: Beginning, jobs: readonly ClaimedJob[]): Promise<Begun> {
  const { begin } = await beginning.store.executor.run(SERVICE_SCOPE, { begin: beginJobs(beginning, jobs) });
  return withUnknown(beginning, jobs, readResults(beginning.tables, jobs, begin));
}

interface Sorted {
  readonly attempts: readonly BegunAttempt[];
  /** The result if there is no overall row to lock. */
  readonly unknown: readonly ClaimedJob[];
}

/**
 * If a resource has no overall row, another transaction may be creating it, with an intent whose job was absorbed by
 * the claimed job. So the attempt begins by inserting the row: the insert waits for such a transaction. The row is
 * deleted afterwards.
 */
async function withUnknown(beginning: Beginning, jobs: readonly ClaimedJob[], first: Sorted): Promise<Begun> {
  const later = first.unknown.length === 0 ? [] : await beginUnknown(beginning, first.unknown);
  return withoutUnknown(jobs, [...first.attempts, ...later]);
}

function withoutUnknown(jobs: readonly ClaimedJob[], attempts: readonly BegunAttempt[]): Begun {
  const begun = new Set(attempts.map(({ job }) => job));
  return { attempts, contended: jobs.filter((job) => !begun.has(job)) };
}

async function beginUnknown(beginning: Beginning, jobs: readonly ClaimedJob[]): Promise<readonly BegunAttempt[]> {
  const { store, tables } = beginning;
  const identities = jobs.map(({ identity }) => identity);
  const revisions = identities.map((identity) => ({ identity, makesRow: true, revision: 0 }));
  const { begin } = await store.executor.run(SERVICE_SCOPE, {
    lock: insertOrLockOverallStatus(tables, revisions),
    begin: beginJobs(beginning, jobs),
    drop: deleteUnknownStatus(tables, identities),
  });
  return readResults(tables, jobs, begin).attempts;
}

const beginClaimed = ({ tables, enforcementPoint, attemptLimit }: Beginning): Statement => ({
  name: 'begin-claimed',
  text: beginSql(tables).claimed,
  values: [enforcementPoint, limitText(attemptLimit)],
});

const beginJobs = ({ tables, enforcementPoint, attemptLimit }: Beginning, jobs: readonly ClaimedJob[]): Statement => ({
  name: 'begin-attempts',
  text: beginSql(tables).given,
  values: [enforcementPoint, limitText(attemptLimit), claimedJobsJson(jobs)],
});

const MAX_INTEGER = 2_147_483_647;

/** If the attempts of a job are used up, the last attempt's error is recorded. */
const limitText = (limit: number): string => String(Math.min(limit, MAX_INTEGER));

const beginSql = perStatusTables((tables) => {
  const begin = beginFunction(tables);
  const columns = tables.resource.columns.map((_, index) => `column_${index + 1}`).join(', ');
  const call = (claimed: string): string => `
    select intendant_ordinal, intendant_state, intendant_current, intendant_is_tracked, intendant_is_there, ${columns}
    from ${begin.name}(${claimed}, $1::text, $2::integer) as begun (${begin.columns})`;
  return { claimed: call(`nullif(current_setting('${CLAIMED_JOBS}', true), '')::jsonb`), given: call('$3::jsonb') };
});

function readResults(tables: StatusTables, jobs: readonly ClaimedJob[], { rows }: StatementResult): Sorted {
  const attempts: BegunAttempt[] = [];
  const unknown: ClaimedJob[] = [];
  for (const row of rows) {
    const job = jobs[Number(row[0]) - 1] as ClaimedJob;
    if (!isReadable(tables, job)) continue;
    if (row[1] === 'unknown') unknown.push(job);
    else if (row[1] !== 'contended') attempts.push(readAttempt(tables, job, row));
  }
  return { attempts, unknown };
}

function readAttempt(tables: StatusTables, job: ClaimedJob, row: readonly (string | null)[]): BegunAttempt {
  const [, action, revision, isTracked, isThere, ...columns] = row;
  return {
    job,
    action: action as Action,
    record: isThere === 't' ? readRow(tables.resource, columns) : null,
    revision: Number(revision),
    isTracked: isTracked === 't',
  };
}
