import { type AnyTable, type KeyOf, OperationCancelledError } from '@intendant/core';
import { checkDuration, pause, startDeadline } from '@intendant/core/internal';
import type { JobQueue } from '../job/job-queue.ts';
import { readQueueDepths } from '../job/pending-jobs.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Claims } from './claims.ts';
import type { Lane } from './lane.ts';
import type { Outcome } from './reschedule-attempts.ts';
import type { Settled } from './settler.ts';

/** An attempt that a worker made during `drain`. */
export interface DrainedAttempt {
  /** The table's name. */
  readonly table: string;
  /** The resource's key columns, and its org and instance where the table has them. */
  readonly key: Extract<KeyOf<AnyTable>, object>;
  /** The attempted revision of the resource. */
  readonly revision: number;
  /** Number of the attempt, starting at 1. */
  readonly attempt: number;
  /** The kind of work. `nothing`: the resource already matched its intent, and no handler was called. */
  readonly action: 'realize' | 'unrealize' | 'observe' | 'nothing';
  /** The result. `stale`: a newer revision exists, and is attempted next. `lost`: another worker had taken the job over. */
  readonly outcome: 'done' | 'failed' | 'handed-back' | 'stale' | 'lost';
  /** The error message in the status; null if the attempt did not fail. */
  readonly error: string | null;
  /** Time until the next attempt, in milliseconds; null if there is none. */
  readonly retryInMs: number | null;
}

/** Options of `worker.drain`. */
export interface DrainOptions {
  /** The time limit in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  /** Aborts the wait. Default: none. */
  readonly signal?: AbortSignal;
}

const CHECK_PAUSE_MS = 10;

/** Waits until a running worker has nothing due, and records what it does meanwhile. */
export class Drain {
  readonly #jobQueue: JobQueue;
  readonly #claims: Claims;
  readonly #ring: () => void;
  readonly #attempts: DrainedAttempt[] = [];

  constructor(jobQueue: JobQueue, claims: Claims, ring: () => void) {
    this.#jobQueue = jobQueue;
    this.#claims = claims;
    this.#ring = ring;
  }

  settled(lane: Lane, attempt: BegunAttempt, outcome: Outcome, settled: Settled): void {
    this.#attempts.push({
      table: lane.tables.resource.name,
      key: keyOf(lane, attempt),
      revision: attempt.revision,
      attempt: attempt.job.retryCount + 1,
      action: attempt.action,
      outcome: settled === 'settled' ? outcome.kind : settled,
      error: outcome.kind === 'failed' ? outcome.message : null,
      retryInMs: outcome.kind === 'done' ? null : outcome.retryInMs,
    });
  }

  async run(queues: readonly string[], { timeoutMs = 60_000, signal }: DrainOptions): Promise<DrainedAttempt[]> {
    const deadline = startDeadline({
      timeoutMs: checkDuration('timeoutMs', timeoutMs, { allowInfinity: true }),
      signal,
    });
    try {
      while (!(await this.#isIdle(queues))) {
        if (deadline.signal?.aborted) throw cancelledError(deadline.signal.reason);
        this.#ring();
        await pause(CHECK_PAUSE_MS, deadline.signal);
      }
      return [...this.#attempts];
    } finally {
      deadline.end();
    }
  }

  /** A job that another worker of the point runs counts too, because it may become due again. */
  async #isIdle(queues: readonly string[]): Promise<boolean> {
    if (this.#claims.size > 0) return false;
    const depths = [...(await readQueueDepths(this.#jobQueue, queues, undefined)).values()];
    return this.#claims.size === 0 && depths.every(({ due, running }) => due === 0 && running === 0);
  }
}

const keyOf = ({ tables: { resource } }: Lane, { job }: BegunAttempt): DrainedAttempt['key'] =>
  Object.fromEntries(
    resource.identity.map(({ field, format }, index) => [field, format.decode(String(job.identity[index]))]),
  ) as DrainedAttempt['key'];

const cancelledError = (cause: unknown): OperationCancelledError =>
  new OperationCancelledError('drain: jobs are still due or running', { cause });
