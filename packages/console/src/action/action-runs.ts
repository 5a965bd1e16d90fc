import { randomUUID } from 'node:crypto';
import { IntendantError } from '@intendant/core';
import type { Logger } from 'pino';

export type ActionState = 'running' | 'done' | 'failed';

/** An action that was started, and how far it is. */
export interface ActionRun {
  readonly id: string;
  readonly action: string;
  /** Who started it: only they may follow it. */
  readonly owner: string;
  readonly startedAt: Date;
  readonly state: ActionState;
  /** Resources to act on, as counted at the start. */
  readonly total: number;
  readonly done: number;
  /** Resources that the action did not apply to any more, or that it failed on. */
  readonly failed: number;
  readonly finishedAt: Date | undefined;
  /** Why it ended early. */
  readonly error: string | undefined;
}

/** What an action tells while it works. */
export interface Progress {
  advance(done: number, failed?: number): void;
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

const MAX_KEPT = 1_000;

/** The actions that this process works on or has finished lately. */
export class ActionRuns {
  readonly #runs = new Map<string, Mutable<ActionRun>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Begins to work, and returns at once. */
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
      run.error = error instanceof IntendantError ? error.message : 'The server failed; its log tells why.';
      this.#logger.error({ err: error, action: run.action, id: run.id }, 'an action of the console failed');
    } finally {
      run.finishedAt = new Date();
    }
  }

  /** Forgets the oldest that are finished when there are too many. */
  #keep(run: Mutable<ActionRun>): void {
    this.#runs.set(run.id, run);
    for (const [id, { state }] of this.#runs) {
      if (this.#runs.size <= MAX_KEPT) return;
      if (state !== 'running') this.#runs.delete(id);
    }
  }
}
