import { type DataStoreInternals, serviceScope, sessionInternalsOf } from '@intendant/core/internal';
import type { ClaimedJob } from '../job/claim.ts';
import { idsOf, renewJobs } from '../job/job-queue.ts';
import { type FailedJob, rescheduleJobs } from '../job/reschedule.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { type Mark, writeMarks } from '../status/marks.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import { hasMark } from './finish-attempts.ts';
import type { Settled } from './settler.ts';

/** The outcome of an attempt that did not succeed. */
export type FailedOutcome =
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** The delay before the next attempt, in milliseconds. Null: it is not repeated. */
      readonly retryInMs: number | null;
      /** Whether the failure concerns the resource and not the point. */
      readonly isTerminal?: boolean;
      /** The worker's limit of attempts. */
      readonly attempts?: number;
    }
  /** The attempt was not finished, for a reason outside the handler: it is repeated after this delay and is not counted. */
  | { readonly kind: 'handed-back'; readonly retryInMs: number };

export type Outcome = { readonly kind: 'done' } | FailedOutcome;

export interface FailedAttempt {
  readonly attempt: BegunAttempt;
  readonly outcome: FailedOutcome;
}

/**
 * Writes marks and jobs in one transaction, for all attempts of one queue that failed or were abandoned. The
 * condition on the attempt number comes first: a job that another worker took over is not marked. The marks have a
 * condition on their revision.
 */
export async function rescheduleAttempts(
  store: DataStoreInternals,
  tables: StatusTables,
  enforcementPoint: string,
  ended: readonly FailedAttempt[],
): Promise<Settled[]> {
  const queue = (ended[0] as FailedAttempt).attempt.job.queue;
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const { executor } = sessionInternalsOf(tx);
    const { renewed } = await executor.run(serviceScope, { renewed: renewJobs(queue, ended.map(jobOf)) });
    const held = idsOf(renewed);
    const ours = ended.filter(({ attempt }) => held.has(attempt.job.id));
    const marked = ours.filter(isFailure);
    const verdicts = await writeMarks(
      executor,
      SERVICE_SCOPE,
      tables,
      marked.map((one) => markOf(one, enforcementPoint)),
    );
    const stale = new Set(marked.filter((_, index) => verdicts[index]?.verdict !== 'accepted'));
    const again = ours.map((one) => failureOf(one, stale.has(one)));
    if (again.length > 0) await executor.run(serviceScope, [rescheduleJobs(queue, again)]);
    return ended.map((one) => (!held.has(one.attempt.job.id) ? 'lost' : stale.has(one) ? 'stale' : 'settled'));
  });
}

const jobOf = ({ attempt }: FailedAttempt): ClaimedJob => attempt.job;

const isFailure = ({ attempt, outcome }: FailedAttempt): boolean => hasMark(attempt) && outcome.kind === 'failed';

function markOf({ attempt, outcome }: FailedAttempt, enforcementPoint: string): Mark {
  return {
    identity: attempt.job.identity,
    revision: attempt.revision,
    enforcementPoint,
    isRemoval: attempt.action === 'unrealize',
    isFenced: true,
    status: 'ERROR',
    message: outcome.kind === 'failed' ? outcome.message : undefined,
  };
}

/** A failure at a stale revision does not count for the newest one, which is attempted immediately. */
function failureOf({ attempt, outcome }: FailedAttempt, isStale: boolean): FailedJob {
  const { job } = attempt;
  if (outcome.kind === 'handed-back')
    return { job, retryInMs: outcome.retryInMs, message: 'handed back', isUncounted: true };
  if (isStale) return { job, retryInMs: 0, message: 'a newer revision had arrived', isUncounted: true };
  const { retryInMs, message, attempts } = outcome;
  return { job, retryInMs, message, ...(attempts !== undefined && { attempts }) };
}
