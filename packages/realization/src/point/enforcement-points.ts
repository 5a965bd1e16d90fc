import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type AnyTable, ConfigurationError, OperationNotAllowedError, RecordNotFoundError } from '@intendant/core';
import {
  checkDuration,
  checkOptions,
  type DataStoreInternals,
  type ResultSet,
  type StatementSet,
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
  type Run,
  removePoint,
  replacePoint,
  type WrittenPoint,
} from './point-registry.ts';
import { HEARTBEAT_MS, heartbeat, leave, type PointWorker } from './point-workers.ts';
import { checkRelabelling } from './relabelling.ts';

/** Options of `points.announce`. */
export interface PointOptions {
  /** The point's id. At most 500 characters. */
  readonly id: string;
  /** The labels that selectors compare. Default: unchanged; none for a new point. */
  readonly labels?: Labels;
  /** The tables whose resources may be placed there. Default: all that are registered with this realization. */
  readonly tables?: readonly AnyTable[];
  /**
   * Accepts the labels even if many resources must be unrealized (see `maxUnrealizedShare`). Default false. Labels that
   * differ from those of a live process are always refused.
   */
  readonly allowUnrealize?: boolean;
}

/** Represents never; Postgres can still store it. */
const LONGEST_MS = 1e13;

/** Options of `points.remove`. */
export interface RemovePointOptions {
  /** The point no longer exists: its statuses are deleted, and no handler unrealizes its resources. Default false. */
  readonly force?: boolean;
}

/** Settings of the registry of points in this process. */
export interface PointsOptions {
  /** How long after its last heartbeat a point counts as stale, in milliseconds, at least 20,000. Infinity: never. Default 60,000 ms. */
  readonly staleAfterMs?: number;
  /**
   * The largest share of the resources at a point, from 0 to 1, that may have to leave it when a process announces
   * other labels. If more would leave, `announce` and the start of a worker require `allowUnrealize`. Default 0.1.
   */
  readonly maxUnrealizedShare?: number;
}

/** Throws ConfigurationError for an unknown or invalid option. */
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
  /** The names of all registered tables. */
  statusTables(): readonly StatusTables[];
  /** The registered names of these tables; of all tables if undefined. */
  tableNames(tables: readonly AnyTable[] | undefined): readonly string[];
  /** Called when resources must be moved. */
  onRollout(): void;
  /** Throws when the realization is closed. */
  checkOpen(): void;
}

/**
 * The registry of enforcement points. It belongs to the service and not to a tenant: all code with access to the
 * realization may change it. A worker can serve a point that is not registered; selectors and removal need the
 * registration. If a table has a registered point, `persistIntent` refuses names of points that are neither registered
 * nor served (option `allowUnknownPoints`).
 */
export class EnforcementPoints {
  readonly #parts: EnforcementPointsParts;
  readonly #presences = new Set<Presence>();

  /** @internal */
  constructor(parts: EnforcementPointsParts) {
    this.#parts = parts;
  }

  /**
   * Registers a point from the process that serves it, and sends heartbeats until it is stopped. A new point, or one
   * with changed labels, gets the resources whose selectors match it, and other resources are unrealized there. Several
   * processes may announce one point with the same labels; the point serves the tables of all of them.
   *
   * Throws OperationNotAllowedError for a point that was removed (`add` registers it again); ConfigurationError for
   * labels that differ from those of a live process, and for labels that would unrealize more than
   * `maxUnrealizedShare`; InvalidRecordError for an invalid id or labels.
   */
  async announce(options: PointOptions): Promise<Announcement> {
    const entry = this.#entry(options);
    const { id: pointId, labels, tables, staleAfterMs } = entry;
    const worker = { id: randomUUID(), pointId, labels, tables, staleAfterMs };
    const maxUnrealizedShare = options.allowUnrealize === true ? 1 : this.#parts.options.maxUnrealizedShare;
    const written = await this.#write(async (tx) => {
      const point = await announcePoint(runAsService(tx), entry, (before) =>
        this.#check(tx, before, entry, maxUnrealizedShare),
      );
      if (point.now.state !== 'removed') await tx.run(serviceScope, heartbeat(worker));
      return point;
    });
    if (written.now.state === 'removed') throw removedPoint(entry.id);
    return this.#keep(new Announcement(written.now, this.#presence(worker)));
  }

  /** @internal Reports that a worker without labels serves a point, which need not be registered. */
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
   * Registers a point for an operator, exactly as given: a new one, an existing one, or one that was removed before. It
   * gets every resource whose selector matches, PENDING and with a job, in chunks. Resources that no longer match its
   * labels are unrealized there, whatever their number.
   *
   * Throws ConfigurationError for labels that differ from those of a live process.
   */
  async add(options: PointOptions): Promise<Rollout> {
    const entry = this.#entry(options);
    await this.#write((tx) => replacePoint(runAsService(tx), entry, (before) => this.#check(tx, before, entry, 1)));
    return this.rollout(entry.id);
  }

  /**
   * Removes a point from service: no resource is placed there any more, all resources there are to be unrealized, in
   * chunks, and their overall status no longer waits for the point. Its workers should run until that is done. With
   * `force`, for a place that no longer exists, its statuses are deleted and no handler is called.
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
        `there is no enforcement point ${JSON.stringify(id)} in the registry; points.list() returns all points, points.add registers one`,
        {
          details: { enforcementPoint: id },
        },
      );
    }
    this.#parts.logger.info({ enforcementPoint: id, force }, 'an enforcement point was removed');
    this.#parts.onRollout();
    return this.rollout(id);
  }

  /** Returns all points by id, including removed ones. */
  list(): Promise<EnforcementPoint[]> {
    return listPoints((statements) => this.#run(statements));
  }

  /**
   * Returns what `remove` would affect: the resources at this point by status, for each table that has any. Those that
   * are not removed there yet would become DELETION_PENDING; with `force` all statuses would be deleted.
   */
  async previewRemoval(id: string): Promise<ReadonlyMap<string, StatusCounts>> {
    checkEnforcementPoint(id);
    const summaries = await readSummary(this.#parts.store.executor, SERVICE_SCOPE, this.#parts.statusTables());
    return statusesAt(id, summaries);
  }

  /** Returns the rollout that the last change of this point started. */
  rollout(id: string): Rollout {
    return new Rollout(id, async () => (await this.#progress(id))[0]);
  }

  /** Returns the progress of each point's last rollout. */
  rollouts(): Promise<RolloutProgress[]> {
    return this.#progress(null);
  }

  /** @internal */
  async close(): Promise<void> {
    await Promise.all([...this.#presences].map((presence) => presence.stop()));
  }

  #entry(options: PointOptions): PointEntry {
    checkOptions<PointOptions>('points', options, { id: true, labels: true, tables: true, allowUnrealize: true });
    const { id, labels, tables } = { ...options };
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

  #check(tx: TransactionExecutor, before: EnforcementPoint, { labels }: PointEntry, maxUnrealizedShare: number) {
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
      heartbeat: () => this.#run(heartbeat(worker)),
      leave: () => this.#run([leave(worker)]),
    };
  }

  #keep<Kept extends Presence>(presence: Kept): Kept {
    this.#presences.add(presence);
    return presence;
  }

  #run<Statements extends StatementSet>(statements: Statements): Promise<ResultSet<Statements>> {
    return this.#parts.store.executor.transaction((tx) => tx.run(serviceScope, statements));
  }

  async #progress(id: string | null): Promise<RolloutProgress[]> {
    return readProgress((await this.#run({ found: rolloutProgress(id) })).found);
  }
}

const runAsService =
  (tx: TransactionExecutor): Run =>
  (statements) =>
    tx.run(serviceScope, statements);

/** A point that was stale and is live again has lost no resources. */
const isChanged = ({ before, now }: WrittenPoint): boolean =>
  before === undefined ||
  (before.state === 'removed') !== (now.state === 'removed') ||
  !isDeepStrictEqual(before.labels, now.labels) ||
  !isDeepStrictEqual(before.tables, now.tables);

const removedPoint = (id: string): OperationNotAllowedError =>
  new OperationNotAllowedError(
    `enforcement point ${id} was removed; add it again with points.add, or choose another id`,
    { details: { enforcementPoint: id } },
  );
