import {
  arrayLiteral,
  type DataStoreInternals,
  type Statement,
  type StatementResult,
  sessionInternalsOf,
  type WireValue,
} from '@intendant/core/internal';
import type { Db } from 'pg-boss';
import { enqueueJobs } from '../job/enqueue.ts';
import type { ClaimedJob, JobQueue } from '../job/job-queue.ts';
import { type FailedJob, rescheduleJobs } from '../job/reschedule.ts';
import { type Mark, type MarkResult, writeMarks } from '../status/marks.ts';
import type { StatusTables } from '../status/status-tables.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import { SERVICE_SCOPE } from './service-scope.ts';

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Null: not to be tried again. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryInMs: number | null }
  /** Not finished, and not to blame for it: to be tried again after this. */
  | { readonly kind: 'handed-back'; readonly retryInMs: number };

export interface EndedAttempt {
  readonly attempt: BegunAttempt;
  readonly outcome: Outcome;
}

/** What became of it: `lost` when the claim had lapsed, `stale` when a newer revision had arrived. */
export type Settled = 'settled' | 'stale' | 'lost';

/**
 * Marks and job together, in one transaction, for all attempts of one queue that ended meanwhile. The fence on the
 * attempt comes first: what was taken over by another worker marks nothing. Then the marks, each fenced on its
 * revision. An attempt whose revision is no longer the newest leaves a job behind, so that the newest has its turn.
 */
export async function settleAttempts(
  store: DataStoreInternals,
  jobQueue: JobQueue,
  tables: StatusTables,
  enforcementPoint: string,
  ended: readonly EndedAttempt[],
): Promise<Settled[]> {
  const queue = (ended[0] as EndedAttempt).attempt.job.queue;
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const { executor, loginExecutor } = sessionInternalsOf(tx);
    const asLogin = jobDatabase(loginExecutor.run);
    const finished = ended.filter(({ outcome }) => outcome.kind === 'done').map(jobOf);
    const others = ended.filter(({ outcome }) => outcome.kind !== 'done').map(jobOf);
    const held = new Set([
      ...(await jobQueue.remove(queue, finished, asLogin)),
      ...(await jobQueue.renew(queue, others, asLogin)),
    ]);

    const ours = ended.filter(({ attempt }) => held.has(attempt.job.id));
    const marked = ours.filter(hasMark);
    const verdicts = await writeMarks(
      executor,
      SERVICE_SCOPE,
      tables,
      marked.map((one) => markOf(one, enforcementPoint)),
    );
    const stale = new Set(marked.filter((_, index) => (verdicts[index] as MarkResult).verdict !== 'accepted'));

    const followUp = followUpStatements(tables, enforcementPoint, queue, ours, stale);
    if (followUp.length > 0) await loginExecutor.run(followUp);
    return ended.map((one) => (!held.has(one.attempt.job.id) ? 'lost' : stale.has(one) ? 'stale' : 'settled'));
  });
}

const jobOf = ({ attempt }: EndedAttempt): ClaimedJob => attempt.job;

const hasMark = ({ attempt, outcome }: EndedAttempt): boolean =>
  attempt.isTracked && attempt.action !== 'nothing' && outcome.kind !== 'handed-back';

function markOf({ attempt, outcome }: EndedAttempt, enforcementPoint: string): Mark {
  const isRemoval = attempt.action === 'unrealize';
  const failed = outcome.kind === 'failed';
  return {
    identity: attempt.job.identity,
    revision: attempt.revision,
    enforcementPoint,
    isRemoval,
    isFenced: true,
    status: failed ? 'ERROR' : isRemoval ? 'DELETION_REALIZED' : 'REALIZED',
    message: failed ? outcome.message : undefined,
  };
}

function followUpStatements(
  tables: StatusTables,
  enforcementPoint: string,
  queue: string,
  ours: readonly EndedAttempt[],
  stale: ReadonlySet<EndedAttempt>,
): Statement[] {
  const again = ours.filter((one) => stale.has(one) && one.outcome.kind === 'done');
  const failures = ours.flatMap((one) => failureOf(one, stale.has(one)) ?? []);
  return [
    ...(again.length > 0
      ? [
          enqueueJobs(
            tables,
            again.map(({ attempt }) => ({ identity: attempt.job.identity, enforcementPoint })),
          ),
        ]
      : []),
    ...(failures.length > 0 ? [rescheduleJobs(queue, failures)] : []),
  ];
}

/** A failure at a stale revision says nothing about the newest, which is tried at once. */
function failureOf({ attempt, outcome }: EndedAttempt, isStale: boolean): FailedJob | undefined {
  if (outcome.kind === 'done') return undefined;
  if (outcome.kind === 'handed-back')
    return { job: attempt.job, retryInMs: outcome.retryInMs, message: 'handed back', isUncounted: true };
  if (isStale) return { job: attempt.job, retryInMs: 0, message: 'a newer revision had arrived', isUncounted: true };
  return { job: attempt.job, retryInMs: outcome.retryInMs, message: outcome.message };
}

/** pg-boss' statements, run by ours: their answers are one row of a count and the ids. */
function jobDatabase(run: (statements: readonly Statement[]) => Promise<StatementResult[]>): Db {
  return {
    executeSql: async (text: string, values: readonly unknown[] = []) => {
      const [result] = await run([{ name: 'pg-boss', text, values: values.map(toWire) }]);
      return {
        rows: (result as StatementResult).rows.map(([count, ids]) => ({ count, ids: fromArrayLiteral(ids ?? '{}') })),
      };
    },
  };
}

const toWire = (value: unknown): WireValue =>
  Array.isArray(value) ? arrayLiteral(value.map(String)) : value === null || value === undefined ? null : String(value);

/** Of uuids, which need no quotes. */
const fromArrayLiteral = (text: string): string[] => (text === '{}' ? [] : text.slice(1, -1).split(','));
