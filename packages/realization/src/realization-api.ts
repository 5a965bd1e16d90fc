import type {
  AnyTable,
  ConnectionSource,
  DataStore,
  MetadataContext,
  RegisterOptions,
  Transaction,
} from '@intendant/core';
import type { Subscriptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import type { DriftReport } from './drift/drift-report.ts';
import type { TableSummary } from './history/summary.ts';
import type { Maintenance } from './maintenance/maintenance.ts';
import type { MaintenanceOptions } from './maintenance/maintenance-options.ts';
import type { PointOverview } from './operator/point-overview.ts';
import type { PlacementRule } from './placement/placement-rule.ts';
import type { EnforcementPoints, PointsOptions } from './point/enforcement-points.ts';
import type { RealizationSession } from './session/realization-session.ts';
import type { Worker } from './worker/worker.ts';
import type { WorkerOptions } from './worker/worker-options.ts';

/** Options of `createRealization`. */
export interface RealizationOptions<C = MetadataContext> {
  /** The data store whose tables are realized. */
  readonly store: DataStore<C>;
  /**
   * Tells of committed changes: what wakes workers and `waitFor`. From `createSubscriptions`, on the same store.
   * Undefined: they look ten times a second instead, which costs queries while nothing happens.
   */
  readonly subscriptions: Subscriptions | undefined;
  /**
   * How this process' maintenance works, or false: it is never started by itself, because others do that work. Default: it
   * starts with the first worker, with the first change of a point and with the first submitted operation.
   */
  readonly maintenance?: MaintenanceOptions | false;
  /** When points count as stale, and how much a change of labels may unrealize. */
  readonly points?: PointsOptions;
  /**
   * On which workers hear of new jobs: a URL or pg's options, and not through a pooler in transaction mode. Default: that of
   * the subscriptions; without them the store's.
   */
  readonly connection?: ConnectionSource;
  /** Default: the store's. */
  readonly logger?: Logger;
}

/** Options of `realization.register`. */
export interface RealizationRegisterOptions<T extends AnyTable> extends RegisterOptions {
  /** The points of resources in these tables if an intent names none. Default: an intent without points keeps its placement. */
  readonly placement?: PlacementRule<T>;
}

/** Intents, their status, and the workers that make them true. */
export interface Realization<C = MetadataContext> extends AsyncDisposable {
  /**
   * Registers tables with the store, and with them what realization needs: their status tables, under the same roles,
   * and the job tables. Idempotent, and safe from many processes at once. From then on sessions of the same store refuse to
   * change these tables with OperationNotAllowedError, because realization would not learn of it; the option
   * `bypassRealization` of their verbs lifts that.
   *
   * Throws ConfigurationError, as `store.register` does, and for a table that is not revisioned.
   */
  register<T extends AnyTable>(tables: readonly T[], options?: RealizationRegisterOptions<T>): Promise<void>;
  /** Intents and statuses seen with this context's eyes. Costs nothing: make one for each request. */
  as(context: C): RealizationSession;
  /** The same inside the caller's transaction: committed or rolled back with it. */
  in(transaction: Transaction): RealizationSession;
  /** The number of resources of all tenants by status; `summary` of a session counts the caller's own. */
  summary(tables?: readonly AnyTable[]): Promise<TableSummary[]>;
  /** The points with their workers, queues and resources of all tenants; `points` of a session covers the caller's own. */
  pointOverview(): Promise<PointOverview[]>;
  /** What the resync found at each point that a worker with `observe` serves or served. */
  drift(): Promise<DriftReport[]>;
  /** A worker, not yet started. Throws ConfigurationError for options that are missing or wrong. */
  worker(options: WorkerOptions): Worker;
  /** The registry of enforcement points. */
  readonly points: EnforcementPoints;
  /**
   * What happens by itself: submitted operations are carried out, resources move as points come and go, and what is gone
   * everywhere is purged. Runs as soon as this process has something for it to do (option `maintenance`), or when it is
   * started.
   */
  readonly maintenance: Maintenance;
  /** Stops the workers and maintenance. The store and the subscriptions stay open. May be called twice. */
  close(): Promise<void>;
}
