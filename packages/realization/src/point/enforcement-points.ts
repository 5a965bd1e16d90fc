import { isDeepStrictEqual } from 'node:util';
import { type AnyTable, OperationNotAllowedError, RecordNotFoundError } from '@intendant/core';
import type { DataStoreInternals, Statement, StatementResult } from '@intendant/core/internal';
import { sessionInternalsOf } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { checkLabels, type Labels } from '../placement/selector.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import {
  Rollout,
  type RolloutProgress,
  readProgress,
  rolloutProgress,
  startRollout,
} from '../rollout/rollout-progress.ts';
import { Announcement } from './announcement.ts';
import {
  announcePoint,
  type EnforcementPoint,
  heartbeat,
  listPoints,
  type PointEntry,
  removePoint,
  replacePoint,
  type WrittenPoint,
} from './point-registry.ts';

export interface PointOptions {
  readonly id: string;
  /** What selectors look at. Default: as they are; none for a new point. */
  readonly labels?: Labels;
  /** The tables whose resources may be placed there. Default: all that are registered with this realization. */
  readonly tables?: readonly AnyTable[];
}

/** How long a point's last heartbeat may be ago for it to count as there. */
const PRESENT_MS = 30_000;

/** @internal What the points need of the realization. */
export interface EnforcementPointsParts {
  readonly store: DataStoreInternals;
  readonly logger: Logger;
  /** The registered names of these tables; of all when undefined. */
  tableNames(tables: readonly AnyTable[] | undefined): readonly string[];
  /** Something is to be moved. */
  onRollout(): void;
}

/**
 * The registry of enforcement points. It is the service's, not a tenant's: whoever holds the realization may change it.
 * A point need not be registered to be named in `persistIntent` or to have a worker; selectors and removal need it.
 */
export class EnforcementPoints {
  readonly #parts: EnforcementPointsParts;
  readonly #announcements = new Set<Announcement>();

  /** @internal */
  constructor(parts: EnforcementPointsParts) {
    this.#parts = parts;
  }

  /**
   * Says that a point is there, from the process that serves it, and goes on saying so until it is stopped. A new point,
   * or one whose labels changed, gets the resources whose selectors match it and lets go of the others. Several
   * processes may announce one point; the newest labels hold, and of the tables all that any of them named.
   *
   * Throws OperationNotAllowedError for a point that was removed: `add` brings it back. InvalidRecordError for an id or
   * labels that don't fit.
   */
  async announce(options: PointOptions): Promise<Announcement> {
    const entry = this.#entry(options);
    const written = await this.#write((run) => announcePoint(run, entry));
    if (written.now.state === 'removed') {
      throw new OperationNotAllowedError(
        `enforcement point ${entry.id} was removed; add it again with points.add, or call this point otherwise`,
        { details: { enforcementPoint: entry.id } },
      );
    }
    this.#warnOfRival(written);
    const announcement = new Announcement(
      written.now,
      () => this.#run([heartbeat(entry.id)]).then(() => undefined),
      this.#parts.logger,
    );
    this.#announcements.add(announcement);
    return announcement;
  }

  /**
   * Registers a point for an operator, as it is given here: also one that isn't there yet, or that was removed before.
   * It gets every resource whose selector matches, PENDING and with a job, in chunks.
   */
  async add(options: PointOptions): Promise<Rollout> {
    const entry = this.#entry(options);
    await this.#write((run) => replacePoint(run, entry));
    return this.rollout(entry.id);
  }

  /**
   * Takes a point out of service: nothing is placed there any more, everything that is there is to be unrealized, in
   * chunks, and no resource waits for it. Its workers should run until that is done. With `force`, for a place that is
   * gone for good, what was there is forgotten and nobody is asked to unrealize it.
   *
   * Throws RecordNotFoundError for a point that is not registered.
   */
  async remove(id: string, { force = false }: { readonly force?: boolean } = {}): Promise<Rollout> {
    checkEnforcementPoint(id);
    const removed = await this.#inTransaction(async (run) => {
      const point = await removePoint(run, id);
      if (point) await run([startRollout(id, [...point.tables, ...this.#parts.tableNames(undefined)], force)]);
      return point;
    });
    if (!removed) {
      throw new RecordNotFoundError(
        `there is no enforcement point ${JSON.stringify(id)} in the registry; points.list() tells which there are, points.add enters one`,
        {
          details: { enforcementPoint: id },
        },
      );
    }
    this.#parts.logger.info({ enforcementPoint: id, force }, 'an enforcement point was removed');
    this.#parts.onRollout();
    return this.rollout(id);
  }

  /** All points, removed ones included, by id. */
  list(): Promise<EnforcementPoint[]> {
    return listPoints((statements) => this.#run(statements));
  }

  /** The moving of resources that the last change of this point set off. */
  rollout(id: string): Rollout {
    return new Rollout(id, async () => (await this.#progress(id))[0]);
  }

  /** How far each point's last change is. */
  rollouts(): Promise<RolloutProgress[]> {
    return this.#progress(null);
  }

  /** @internal */
  async close(): Promise<void> {
    await Promise.all([...this.#announcements].map((announcement) => announcement.stop()));
  }

  #entry({ id, labels, tables }: PointOptions): PointEntry {
    return {
      id: checkEnforcementPoint(id),
      labels: labels === undefined ? undefined : checkLabels(labels),
      tables: this.#parts.tableNames(tables),
    };
  }

  async #write(write: (run: Run) => Promise<WrittenPoint>): Promise<WrittenPoint> {
    const written = await this.#inTransaction(async (run) => {
      const result = await write(run);
      if (isChanged(result)) {
        const tables = [...result.now.tables, ...(result.before?.tables ?? [])];
        await run([startRollout(result.now.id, tables, false)]);
      }
      return result;
    });
    if (isChanged(written)) this.#parts.onRollout();
    return written;
  }

  /** Two processes that say different things of one point would take turns; whoever runs them should hear of it. */
  #warnOfRival({ before, now }: WrittenPoint): void {
    if (!before || isDeepStrictEqual(before.labels, now.labels)) return;
    if (Date.now() - before.heartbeatAt.getTime() > PRESENT_MS) return;
    this.#parts.logger.warn(
      { enforcementPoint: now.id, labels: now.labels, formerLabels: before.labels },
      'an enforcement point that is being served was announced with other labels; the new ones hold',
    );
  }

  #inTransaction<Result>(work: (run: Run) => Promise<Result>): Promise<Result> {
    return this.#parts.store.transactionFor(SERVICE_SCOPE, (tx) => {
      const { loginExecutor } = sessionInternalsOf(tx);
      return work((statements) => loginExecutor.run(statements));
    });
  }

  #run(statements: readonly Statement[]): Promise<StatementResult[]> {
    return this.#inTransaction((run) => run(statements));
  }

  async #progress(id: string | null): Promise<RolloutProgress[]> {
    const [found] = await this.#run([rolloutProgress(id)]);
    return readProgress(found as StatementResult);
  }
}

type Run = (statements: readonly Statement[]) => Promise<StatementResult[]>;

const isChanged = ({ before, now }: WrittenPoint): boolean =>
  before === undefined ||
  before.state !== now.state ||
  !isDeepStrictEqual(before.labels, now.labels) ||
  !isDeepStrictEqual(before.tables, now.tables);
