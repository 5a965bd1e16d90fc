import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { describeProblem } from '../http/problem.ts';

export type ActionState = 'running' | 'done' | 'failed';

/** An action that was started, and its progress. */
export interface ActionRun {
  readonly id: string;
  readonly action: string;
  /** The caller who started it. Only callers with the same rights may follow it. */
  readonly owner: string;
  readonly startedAt: Date;
  readonly state: ActionState;
  /** Number of resources to act on, counted at the start. */
  readonly total: number;
  readonly done: number;
  /** Number of resources to which the action no longer applied, or on which it failed. */
  readonly failed: number;
  readonly finishedAt: Date | undefined;
  /** Why it ended early. */
  readonly error: string | undefined;
}

/** What an action reports while it works. */
export interface Progress {
  advance(done: number, failed?: number): void;
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

const MAX_KEPT = 1_000;

/** The running and the most recently finished actions of this process. */
export class ActionRuns {
  readonly #runs = new Map<string, Mutable<ActionRun>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Starts the action, and returns immediately. */
  start(
    { action, owner, total }: Pick<ActionRun, 'action' | 'owner' | 'total'>,
    work: (progress: Progress) => Promise<void>,
  ): ActionRun {
    const run: Mutable<ActionRun> = {
      id: randomUUID(),
      action,
      owner,
      startedAt: new Date(),
      state: 'running',
      total,
      done: 0,
      failed: 0,
      finishedAt: undefined,
      error: undefined,
    };
    this.#keep(run);
    void this.#carryOut(run, work);
    return { ...run };
  }

  find(id: string, owner: string): ActionRun | undefined {
    const run = this.#runs.get(id);
    return run?.owner === owner ? run : undefined;
  }

  async #carryOut(run: Mutable<ActionRun>, work: (progress: Progress) => Promise<void>): Promise<void> {
    try {
      await work({
        advance: (done, failed = 0) => {
          run.done += done;
          run.failed += failed;
        },
      });
      run.state = 'done';
    } catch (error) {
      run.state = 'failed';
      run.error = describeProblem(error).detail;
      this.#logger.error({ err: error, action: run.action, id: run.id }, 'an action of the console failed');
    } finally {
      run.finishedAt = new Date();
    }
  }

  /** Removes the oldest finished actions when there are too many. */
  #keep(run: Mutable<ActionRun>): void {
    this.#runs.set(run.id, run);
    for (const [id, { state }] of this.#runs) {
      if (this.#runs.size <= MAX_KEPT) return;
      if (state !== 'running') this.#runs.delete(id);
    }
  }
}
