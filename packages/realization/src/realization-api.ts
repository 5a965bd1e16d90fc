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
   * Reports committed changes, which wakes workers and `waitFor`. Returned by `createSubscriptions`, for the same
   * store. Undefined: they poll ten times per second instead, with queries also while nothing happens.
   */
  readonly subscriptions: Subscriptions | undefined;
  /**
   * Options of the maintenance in this process. False: it is not started automatically, because other processes do this
   * work. Default: it starts with the first worker, the first change of a point and the first submitted operation.
   */
  readonly maintenance?: MaintenanceOptions | false;
  /** @deprecated The earlier name of `maintenance`, which takes precedence. */
  readonly caretaker?: MaintenanceOptions | false;
  /** When points become stale, and how many resources a change of labels may unrealize. */
  readonly points?: PointsOptions;
  /**
   * The connection on which workers are notified of new jobs: a URL or pg's options. It must not go through a pooler in
   * transaction mode. Default: that of the subscriptions; without them the store's.
   */
  readonly connection?: ConnectionSource;
  /** The logger. Default: the store's. */
  readonly logger?: Logger;
}

/** Options of `realization.register`. */
export interface RealizationRegisterOptions<T extends AnyTable> extends RegisterOptions {
  /** The points of resources in these tables if an intent names none. Default: an intent without points keeps its placement. */
  readonly placement?: PlacementRule<T>;
}

/** Intents, their statuses, and the workers that realize them. */
export interface Realization<C = MetadataContext> extends AsyncDisposable {
  /**
   * Registers tables with the store, and with them what realization needs: their status tables, under the same roles,
   * and the job tables. Idempotent; many processes may call it at once. From then on sessions of the same store refuse
   * to change these tables with OperationNotAllowedError, because realization would not learn of it; the option
   * `bypassRealization` of their methods allows it.
   *
   * Throws ConfigurationError, as `store.register` does, and for a table that is not revisioned.
   */
  register<T extends AnyTable>(tables: readonly T[], options?: RealizationRegisterOptions<T>): Promise<void>;
  /** Returns a session with the rights of the context. It needs no round trip: make one for each request. */
  as(context: C): RealizationSession;
  /** Returns a session inside the caller's transaction: its changes are committed or rolled back with it. */
  in(transaction: Transaction): RealizationSession;
  /** The number of resources of all tenants by status; `summary` of a session counts the caller's own. */
  summary(tables?: readonly AnyTable[]): Promise<TableSummary[]>;
  /** The points with their workers, queues and resources of all tenants; `points` of a session covers the caller's own. */
  pointOverview(): Promise<PointOverview[]>;
  /** Returns the results of the resync at each point that a worker with `observe` serves or served. */
  drift(): Promise<DriftReport[]>;
  /** Makes a worker, which is not started yet. Throws ConfigurationError for missing or invalid options. */
  worker(options: WorkerOptions): Worker;
  /** The registry of enforcement points. */
  readonly points: EnforcementPoints;
  /**
   * The background maintenance: it executes submitted operations, moves resources when points are added, changed or
   * removed, and purges resources that are deleted at all points. It starts when this process first has work for it
   * (option `maintenance`), or when it is started explicitly.
   */
  readonly maintenance: Maintenance;
  /** Stops the workers and maintenance. The store and the subscriptions stay open. May be called twice. */
  close(): Promise<void>;
}
