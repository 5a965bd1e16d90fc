import { type DataStoreInternals, sessionInternalsOf } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { enqueueWaiting } from '../job/enqueue.ts';
import { pointTableName } from '../placement/selector.ts';
import { HEARTBEAT_MS } from '../point/point-workers.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { writeMarks } from '../status/marks.ts';
import { lockOverallStatus } from '../status/overall-status.ts';
import type { BegunAttempt } from '../worker/begin-attempts.ts';
import type { Observed } from './observation.ts';

export interface DriftWatchParts {
  readonly store: DataStoreInternals;
  readonly logger: Logger;
  readonly enforcementPoint: string;
  /** The tables whose handlers have `observe`. */
  tables(): readonly StatusTables[];
  /** Duration of a round, in milliseconds. Infinity: no rounds. */
  readonly everyMs: number;
}

const NO_OBSERVATIONS: Readonly<Record<Observed, number>> = { realized: 0, drifted: 0, missing: 0, failed: 0 };

/**
 * A worker's part in the detection of drift. It reports that the point is served, so that the resync includes it; it
 * starts the realization of drifted resources; and it counts. Counts are written from time to time; a crash loses the
 * last few.
 */
export class DriftWatch {
  readonly #parts: DriftWatchParts;
  readonly #counts = new Map<StatusTables, Record<Observed, number>>();
  #timer: NodeJS.Timeout | undefined;
  #reporting: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(parts: DriftWatchParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    if (this.#parts.tables().length === 0 || !Number.isFinite(this.#parts.everyMs)) return;
    await this.#report();
    this.#timer = setInterval(() => this.#reportInTurn(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#reportInTurn();
    await this.#reporting;
  }

  /** Records the result of a check. A resource that differs from its intent becomes PENDING again, with a job. */
  async observed(tables: StatusTables, attempt: BegunAttempt, observation: Observed): Promise<void> {
    const counts = this.#counts.get(tables) ?? { ...NO_OBSERVATIONS };
    counts[observation]++;
    this.#counts.set(tables, counts);
    if (observation === 'drifted' || observation === 'missing') await this.#realizeAgain(tables, attempt);
  }

  async #realizeAgain(tables: StatusTables, { job, revision }: BegunAttempt): Promise<void> {
    const { store, enforcementPoint } = this.#parts;
    const { identity } = job;
    await store.transactionFor(SERVICE_SCOPE, async (tx) => {
      const { executor } = sessionInternalsOf(tx);
      const mark = {
        identity,
        revision,
        enforcementPoint,
        status: 'PENDING',
        isRemoval: false,
        isFenced: true,
      } as const;
      const [judged] = await writeMarks(executor, SERVICE_SCOPE, tables, [mark]);
      if (judged?.verdict !== 'accepted') return;
      await executor.run(SERVICE_SCOPE, [
        lockOverallStatus(tables, [identity]),
        enqueueWaiting(tables, enforcementPoint, [identity], 'intent'),
      ]);
    });
  }

  #reportInTurn(): void {
    this.#reporting = this.#reporting
      .then(() => this.#report())
      .then(
        () => {
          this.#hasFailed = false;
        },
        (error: unknown) => {
          if (!this.#hasFailed)
            this.#parts.logger.warn({ err: error }, 'the results of observations could not be counted yet');
          this.#hasFailed = true;
        },
      );
  }

  async #report(): Promise<void> {
    const { store, enforcementPoint, everyMs } = this.#parts;
    for (const tables of this.#parts.tables()) {
      const counts = this.#counts.get(tables) ?? NO_OBSERVATIONS;
      this.#counts.delete(tables);
      const { realized, drifted, missing, failed } = counts;
      const values = [pointTableName(tables), enforcementPoint, everyMs, realized, drifted, missing, failed];
      await store
        .inServiceTransaction((client) => client.query(REPORT, values))
        .catch((error: unknown) => {
          this.#countAgain(tables, counts);
          throw error;
        });
    }
  }

  #countAgain(tables: StatusTables, counts: Readonly<Record<Observed, number>>): void {
    const since = this.#counts.get(tables) ?? { ...NO_OBSERVATIONS };
    for (const kind of Object.keys(counts) as Observed[]) since[kind] += counts[kind];
    this.#counts.set(tables, since);
  }
}

const REPORT = `
  insert into intendant.resync as s (table_name, point_id, every_ms)
  values ($1, $2, $3)
  on conflict (table_name, point_id) do update
  set every_ms = excluded.every_ms, served_at = clock_timestamp(),
    next_at = least(s.next_at, clock_timestamp() + excluded.every_ms * interval '1 ms'),
    realized = s.realized + $4::bigint, drifted = s.drifted + $5::bigint, missing = s.missing + $6::bigint,
    failed = s.failed + $7::bigint,
    last_checked_at = case when $4::bigint + $5::bigint + $6::bigint > 0 then clock_timestamp() else s.last_checked_at end,
    last_drift_at = case when $5::bigint + $6::bigint > 0 then clock_timestamp() else s.last_drift_at end`;
