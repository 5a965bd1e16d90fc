import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type AnyTable, ConfigurationError, OperationNotAllowedError, RecordNotFoundError } from '@intendant/core';
import {
  checkDuration,
  checkOptions,
  type DataStoreInternals,
  type Statement,
  type StatementResult,
  serviceScope,
  type TransactionExecutor,
} from '@intendant/core/internal';
import type { Logger } from 'pino';
import { readSummary, type StatusCounts, statusesAt } from '../history/summary.ts';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { checkLabels, type Labels } from '../placement/selector.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import {
  Rollout,
  type RolloutProgress,
  readProgress,
  rolloutProgress,
  startRollout,
} from '../rollout/rollout-progress.ts';
import { Announcement, Presence, type PresenceParts } from './announcement.ts';
import {
  announcePoint,
  type EnforcementPoint,
  listPoints,
  type PointEntry,
  removePoint,
  replacePoint,
  type WrittenPoint,
} from './point-registry.ts';
import { HEARTBEAT_MS, heartbeat, leave, type PointWorker } from './point-workers.ts';
import { checkRelabelling } from './relabelling.ts';

/** How a process announces an enforcement point. */
export interface PointOptions {
  /** The point's id. At most 500 characters. */
  readonly id: string;
  /** What selectors look at. Default: as they are; none for a new point. */
  readonly labels?: Labels;
  /** The tables whose resources may be placed there. Default: all that are registered with this realization. */
  readonly tables?: readonly AnyTable[];
  /**
   * Announces the labels however many resources they unrealize (see `maxUnrealizedShare`). Default false. Other labels than
   * those of a process that is alive are refused in any case.
   */
  readonly allowUnrealize?: boolean;
}

/** Stands for never, and is still a time that Postgres knows. */
const LONGEST_MS = 1e13;

/** Options of `points.remove`. */
export interface RemovePointOptions {
  /** The point no longer exists: its statuses are deleted, and no handler unrealizes its resources. Default false. */
  readonly force?: boolean;
}

/** How the registry of points behaves in this process. */
export interface PointsOptions {
  /** How long after its last heartbeat a point counts as stale, in milliseconds, at least 20,000. Infinity: never. Default 60,000 ms. */
  readonly staleAfterMs?: number;
  /**
   * The share of the resources at a point that may have to leave it when a process announces other labels: from 0 to 1.
   * Above it, `announce` and the start of a worker ask for `allowUnrealize`. Default 0.1.
   */
  readonly maxUnrealizedShare?: number;
}

/** Throws ConfigurationError for an option that is unknown or does not fit. */
export function configurePoints(options: PointsOptions = {}): Required<PointsOptions> {
  checkOptions('createRealization points', options, { staleAfterMs: true, maxUnrealizedShare: true });
  const { staleAfterMs = 60_000, maxUnrealizedShare = 0.1 } = options;
  if (typeof maxUnrealizedShare !== 'number' || !(maxUnrealizedShare >= 0 && maxUnrealizedShare <= 1))
    throw new ConfigurationError('points.maxUnrealizedShare must be a number from 0 to 1');
  return {
    staleAfterMs: checkDuration('points.staleAfterMs', staleAfterMs, { min: 2 * HEARTBEAT_MS, allowInfinity: true }),
    maxUnrealizedShare,
  };
}

/** @internal What the points need of the realization. */
export interface EnforcementPointsParts {
  readonly store: DataStoreInternals;
  readonly logger: Logger;
  readonly options: Required<PointsOptions>;
  /** All that are registered. */
  statusTables(): readonly StatusTables[];
  /** The registered names of these tables; of all when undefined. */
  tableNames(tables: readonly AnyTable[] | undefined): readonly string[];
  /** Something is to be moved. */
  onRollout(): void;
  /** Throws when the realization is closed. */
  checkOpen(): void;
}

/**
 * The registry of enforcement points. It is the service's, not a tenant's: whoever holds the realization may change it.
 * A point need not be registered to have a worker; selectors and removal need it. Once a table has a registered point,
 * `persistIntent` refuses names of points that are neither registered nor served (option `allowUnknownPoints`).
 */
export class EnforcementPoints {
  readonly #parts: EnforcementPointsParts;
  readonly #presences = new Set<Presence>();

  /** @internal */
  constructor(parts: EnforcementPointsParts) {
    this.#parts = parts;
  }

  /**
   * Says that a point is there, from the process that serves it, and goes on saying so until it is stopped. A new point,
   * or one whose labels changed, gets the resources whose selectors match it and lets go of the others. Several
   * processes may announce one point with the same labels; of the tables all count that any of them named.
   *
   * Throws OperationNotAllowedError for a point that was removed: `add` brings it back. ConfigurationError for other
   * labels than a process that is alive announces, and for labels that would unrealize more than `maxUnrealizedShare`.
   * InvalidRecordError for an id or labels that don't fit.
   */
  async announce(options: PointOptions): Promise<Announcement> {
    const entry = this.#entry(options);
    const { id: pointId, labels, tables, staleAfterMs } = entry;
    const worker = { id: randomUUID(), pointId, labels, tables, staleAfterMs };
    const maxUnrealizedShare = options.allowUnrealize === true ? 1 : this.#parts.options.maxUnrealizedShare;
    const written = await this.#write(async (tx) => {
      const point = await announcePoint(runAsService(tx), entry, (before) =>
        this.#judge(tx, before, entry, maxUnrealizedShare),
      );
      if (point.now.state !== 'removed') await tx.run(serviceScope, heartbeat(worker));
      return point;
    });
    if (written.now.state === 'removed') throw removedPoint(entry.id);
    return this.#keep(new Announcement(written.now, this.#presence(worker)));
  }

  /** @internal Says that a worker without labels serves a point, which need not be registered. */
  async serve(pointId: string, tables: readonly AnyTable[]): Promise<Presence> {
    const worker = {
      id: randomUUID(),
      pointId,
      labels: undefined,
      tables: this.#parts.tableNames(tables),
      staleAfterMs: this.#staleAfterMs,
    };
    await this.#run(heartbeat(worker));
    return this.#keep(new Presence(this.#presence(worker)));
  }

  /**
   * Registers a point for an operator, as it is given here: also one that isn't there yet, or that was removed before.
   * It gets every resource whose selector matches, PENDING and with a job, in chunks; what its labels no longer match is
   * unrealized there, however much it is.
   *
   * Throws ConfigurationError for other labels than a process that is alive announces.
   */
  async add(options: PointOptions): Promise<Rollout> {
    const entry = this.#entry(options);
    await this.#write((tx) => replacePoint(runAsService(tx), entry, (before) => this.#judge(tx, before, entry, 1)));
    return this.rollout(entry.id);
  }

  /**
   * Takes a point out of service: nothing is placed there any more, everything that is there is to be unrealized, in
   * chunks, and no resource waits for it. Its workers should run until that is done. With `force`, for a place that is
   * gone for good, what was there is forgotten and nobody is asked to unrealize it.
   *
   * Throws RecordNotFoundError for a point that is not registered.
   */
  async remove(id: string, options: RemovePointOptions = {}): Promise<Rollout> {
    checkOptions<RemovePointOptions>('points.remove', options, { force: true });
    const { force = false } = options;
    this.#parts.checkOpen();
    checkEnforcementPoint(id);
    const removed = await this.#parts.store.executor.transaction(async (tx) => {
      const point = await removePoint(runAsService(tx), id);
      if (point)
        await tx.run(serviceScope, [startRollout(id, [...point.tables, ...this.#parts.tableNames(undefined)], force)]);
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

  /**
   * What `remove` would take away: the resources at this point by status, for each table that has any. Those that are
   * not removed there already would turn DELETION_PENDING; with `force` all would be forgotten.
   */
  async previewRemoval(id: string): Promise<ReadonlyMap<string, StatusCounts>> {
    checkEnforcementPoint(id);
    const summaries = await readSummary(this.#parts.store.executor, SERVICE_SCOPE, this.#parts.statusTables());
    return statusesAt(id, summaries);
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
    await Promise.all([...this.#presences].map((presence) => presence.stop()));
  }

  #entry(options: PointOptions): PointEntry {
    checkOptions<PointOptions>('points', options, { id: true, labels: true, tables: true, allowUnrealize: true });
    const { id, labels, tables } = options;
    return {
      id: checkEnforcementPoint(id),
      labels: labels === undefined ? undefined : checkLabels(labels),
      tables: this.#parts.tableNames(tables),
      staleAfterMs: this.#staleAfterMs,
    };
  }

  get #staleAfterMs(): number {
    return Math.min(this.#parts.options.staleAfterMs, LONGEST_MS);
  }

  #judge(tx: TransactionExecutor, before: EnforcementPoint, { labels }: PointEntry, maxUnrealizedShare: number) {
    return checkRelabelling(tx, { before, labels, tables: this.#parts.statusTables(), maxUnrealizedShare });
  }

  async #write(write: (tx: TransactionExecutor) => Promise<WrittenPoint>): Promise<WrittenPoint> {
    this.#parts.checkOpen();
    const written = await this.#parts.store.executor.transaction(async (tx) => {
      const result = await write(tx);
      if (isChanged(result)) {
        const tables = [...result.now.tables, ...(result.before?.tables ?? [])];
        await tx.run(serviceScope, [startRollout(result.now.id, tables, false)]);
      }
      return result;
    });
    if (isChanged(written)) this.#parts.onRollout();
    return written;
  }

  #presence(worker: PointWorker): PresenceParts {
    return {
      logger: this.#parts.logger,
      beat: () => this.#run(heartbeat(worker)),
      leave: () => this.#run([leave(worker)]),
    };
  }

  #keep<Kept extends Presence>(presence: Kept): Kept {
    this.#presences.add(presence);
    return presence;
  }

  #run(statements: readonly Statement[]): Promise<StatementResult[]> {
    return this.#parts.store.executor.transaction((tx) => tx.run(serviceScope, statements));
  }

  async #progress(id: string | null): Promise<RolloutProgress[]> {
    const [found] = await this.#run([rolloutProgress(id)]);
    return readProgress(found as StatementResult);
  }
}

const runAsService =
  (tx: TransactionExecutor) =>
  (statements: readonly Statement[]): Promise<StatementResult[]> =>
    tx.run(serviceScope, statements);

/** A point that was stale and is back has lost nothing. */
const isChanged = ({ before, now }: WrittenPoint): boolean =>
  before === undefined ||
  (before.state === 'removed') !== (now.state === 'removed') ||
  !isDeepStrictEqual(before.labels, now.labels) ||
  !isDeepStrictEqual(before.tables, now.tables);

const removedPoint = (id: string): OperationNotAllowedError =>
  new OperationNotAllowedError(
    `enforcement point ${id} was removed; add it again with points.add, or call this point otherwise`,
    { details: { enforcementPoint: id } },
  );
