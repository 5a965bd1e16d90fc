import { setTimeout as delay } from 'node:timers/promises';
import { OperationCancelledError } from '@intendant/core';
import {
  arrayLiteral,
  checkDuration,
  checkOptions,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';

/** The progress of a rollout after a point was added, removed or relabelled, over all its tables. */
export interface RolloutProgress {
  /** Id of the enforcement point. */
  readonly enforcementPoint: string;
  /** Number of resources to move, as counted at the start; it grows if more are found. */
  readonly total: number;
  /** Number of resources that have been moved: their statuses and jobs are written. `summary` shows the progress of the workers. */
  readonly done: number;
  /** Whether all resources have been moved. */
  readonly isFinished: boolean;
  /** When the rollout began. */
  readonly startedAt: Date;
}

/** Options of `Rollout.finished`. */
export interface FinishedOptions {
  /** The time limit in milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
  /** Aborts the wait, not the rollout. Default: none. */
  readonly signal?: AbortSignal;
  /** Called with the progress at each check, at first immediately and then five times per second. */
  readonly onProgress?: (progress: RolloutProgress) => void;
}

const CHECK_MIN_MS = 20;
const CHECK_MAX_MS = 200;

/** Moves resources to or from a point. It continues in any process that runs maintenance. */
export class Rollout {
  /** Id of the enforcement point. */
  readonly enforcementPoint: string;
  readonly #read: () => Promise<RolloutProgress | undefined>;

  /** @internal */
  constructor(enforcementPoint: string, read: () => Promise<RolloutProgress | undefined>) {
    this.enforcementPoint = enforcementPoint;
    this.#read = read;
  }

  /** Reads the current progress from the database. A finished rollout reports 0 of 0 after its row was deleted. */
  async progress(): Promise<RolloutProgress> {
    const found = await this.#read();
    return (
      found ?? { enforcementPoint: this.enforcementPoint, total: 0, done: 0, isFinished: true, startedAt: new Date() }
    );
  }

  /** Resolves when every resource is moved. Throws OperationCancelledError when the time is up or the signal aborts. */
  async finished(options: FinishedOptions = {}): Promise<RolloutProgress> {
    checkOptions<FinishedOptions>('finished', options, { timeoutMs: true, signal: true, onProgress: true });
    const { timeoutMs = Number.POSITIVE_INFINITY, signal, onProgress } = options;
    const giveUpAt = performance.now() + checkDuration('timeoutMs', timeoutMs, { min: 0, allowInfinity: true });
    for (let pauseMs = CHECK_MIN_MS; ; pauseMs = Math.min(CHECK_MAX_MS, 2 * pauseMs)) {
      const progress = await this.progress();
      onProgress?.(progress);
      if (progress.isFinished) return progress;
      if (signal?.aborted || performance.now() >= giveUpAt) throw this.#cancelledError(progress, signal);
      await delay(pauseMs);
    }
  }

  #cancelledError({ done, total }: RolloutProgress, signal: AbortSignal | undefined): OperationCancelledError {
    return new OperationCancelledError(
      `waiting for the rollout of ${this.enforcementPoint} ended: ${done} of ${total} are done; the rollout continues while maintenance runs`,
      { details: { enforcementPoint: this.enforcementPoint, done, total }, cause: signal?.reason },
    );
  }
}

/** Starts the rollout of a point's change again, in these tables. */
export const startRollout = (id: string, tables: readonly string[], isForced: boolean): Statement => ({
  name: 'start-rollout',
  text: START,
  values: [id, arrayLiteral([...new Set(tables)]), String(isForced)],
});

const START = `
  insert into intendant.point_rollout (point_id, table_name, is_forced)
  select $1, name, $3::boolean from unnest($2::text[]) as name order by name
  on conflict (point_id, table_name) do update
  set is_forced = excluded.is_forced, phase = 'count', reached = null, total = 0, done = 0, has_skipped = false,
    has_settled = false, settled_after = null, started_at = clock_timestamp(), finished_at = null`;

/** Returns the rollouts of one point, or of all points (null), unfinished and finished. */
export const rolloutProgress = (id: string | null): Statement => ({
  name: 'rollout-progress',
  text: PROGRESS,
  values: [id],
});

const PROGRESS = `
  select point_id, sum(total), sum(done), bool_and(phase = 'done'), min(started_at)::text
  from intendant.point_rollout where $1::text is null or point_id = $1
  group by point_id order by point_id`;

export const readProgress = ({ rows }: StatementResult): RolloutProgress[] =>
  rows.map(([id, total, done, isFinished, startedAt]) => ({
    enforcementPoint: String(id),
    total: Number(total),
    done: Number(done),
    isFinished: isFinished === 't',
    startedAt: new Date(String(startedAt)),
  }));
