import type { AnyTable, KeyOf } from '@intendant/core';
import { checkOptions, type Executor, translateError } from '@intendant/core/internal';
import { countResources, type ListedResource, listResources } from '../operator/list-resources.ts';
import { type PointOverview, readPointOverview } from '../operator/point-overview.ts';
import { countKnown, purgeResources } from '../operator/purge-resources.ts';
import { readStatuses } from '../operator/read-statuses.ts';
import { type ResourceDetail, readDetail } from '../operator/resource-detail.ts';
import { checkFilter, type ListOptions, type ResourceFilter, weightsOf } from '../operator/resource-filter.ts';
import { resyncResources } from '../operator/resync.ts';
import { type RetriedPoints, retryResources } from '../operator/retry.ts';
import { type CheckedTarget, checkTarget, pagesOf, type Target } from '../operator/target.ts';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import type { Identity } from '../resource/identity-set.ts';
import type { StatusDetails } from '../status/read-status.ts';
import type { Status } from '../status/status.ts';
import { type OpenTables, operate, type RealizationParts } from './session-parts.ts';

/** Options of `resync`. */
export interface ResyncTargetOptions {
  /** Only at this point. Default: the filter's point, otherwise every point. */
  readonly enforcementPoint?: string;
}

/** Options of `retry`. */
export interface RetryTargetOptions extends ResyncTargetOptions {
  /** Only points in this status, or one of these. Default: the filter's statuses, otherwise every status that is not final. */
  readonly status?: Status | readonly Status[];
}

/** Options of `purgeMany`. */
export interface PurgeManyOptions {
  /** Only counts what would be purged. Default false. */
  readonly dryRun?: boolean;
}

/**
 * What operators read about resources and do with them, with the caller's rights: a tenant sees and retries its own
 * resources. Each method takes one resource, several, or all that match a filter. Resources that match a filter are
 * processed in pages of 500, each in one transaction (inside `realization.in(tx)`, in the caller's).
 */
export class OperatorSession {
  readonly #parts: RealizationParts;

  /** @internal */
  constructor(parts: RealizationParts) {
    this.#parts = parts;
  }

  /**
   * Overall and point statuses of these resources, in one round trip, by the given key. A resource without a status, or
   * of another caller, is absent.
   *
   * ```ts
   * const statuses = await r.statuses(vm, ['VM1', 'VM2']);
   * statuses.get('VM1')?.overall.status;
   * ```
   */
  async statuses<T extends AnyTable, Key extends KeyOf<T>>(
    definition: T,
    keys: readonly Key[],
  ): Promise<Map<Key, StatusDetails>> {
    return operate(this.#parts, 'statuses', definition, undefined, ({ tables, scope, core }) =>
      readStatuses(core.executor, scope, tables, keys),
    );
  }

  /**
   * Lists resources by their status, with their records and statuses, in one round trip. Includes soft-deleted
   * resources, and deleted ones (`record: null`) while they have a status.
   *
   * ```ts
   * const stuck = await r.list(vm, { status: ['ERROR', 'PENDING'], olderThanMs: 600_000, orderBy: 'oldest' });
   * ```
   *
   * Throws ConfigurationError for an unknown option, InvalidRecordError for an invalid one.
   */
  async list<T extends AnyTable>(definition: T, options: ListOptions<T> = {}): Promise<ListedResource<T>[]> {
    return operate(this.#parts, 'list', definition, undefined, ({ tables, scope, core }) =>
      listResources<T>(core.executor, scope, tables, options),
    );
  }

  /** Returns the number of resources that match the filter; `{}` counts all. */
  async count<T extends AnyTable>(definition: T, filter: ResourceFilter<T> = {}): Promise<number> {
    return operate(this.#parts, 'count', definition, undefined, ({ tables, scope, core }) =>
      countResources(core.executor, scope, tables, checkFilter('count', filter)),
    );
  }

  /**
   * Returns one resource in detail: its record, and for each point the status, attempt, error, job and the time of the
   * next attempt. Throws RecordNotFoundError if the resource has neither a row nor a status.
   */
  async detail<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<ResourceDetail<T>> {
    return operate(this.#parts, 'detail', definition, key, ({ tables, scope, core }) =>
      readDetail<T>(core.executor, this.#parts.jobQueue, scope, tables, key),
    );
  }

  /**
   * Returns all enforcement points that are registered, served or used by the caller's resources, with their state,
   * workers, and the caller's own statuses and jobs there (of all tenants under a role that is not limited to one).
   */
  async points(): Promise<PointOverview[]> {
    const { core, jobQueue, registeredTables } = this.#parts;
    const tables = registeredTables();
    const scope = core.scopeFor(
      tables.flatMap(({ resource, overall, enforcement }) => [resource, overall, enforcement]),
    );
    try {
      return await readPointOverview(core.executor, jobQueue, scope, tables);
    } catch (error) {
      throw translateError(error, { operation: 'points' });
    }
  }

  /**
   * Retries now what is not realized, with attempts from 1 and without a new revision. A point in ERROR becomes
   * PENDING. Returns the number of jobs that this makes due. Points with a running attempt do not change.
   *
   * With a filter it retries only points in the filter's status. An object with every key column is a key, not a
   * filter.
   *
   * ```ts
   * await r.retry(vm, 'VM1');
   * await r.retry(vm, { status: 'ERROR', enforcementPoint: 'E1' });
   * ```
   */
  async retry<T extends AnyTable>(definition: T, target: Target<T>, options: RetryTargetOptions = {}): Promise<number> {
    checkOptions<RetryTargetOptions>('retry', options, { enforcementPoint: true, status: true });
    return this.#forEach('retry', definition, target, (executor, { scope, tables }, identities, checked) =>
      retryResources(executor, scope, tables, identities, pointsOf(checked, options)),
    );
  }

  /**
   * Makes workers check with `observe` whether resources still match their intents where they are realized. The jobs
   * have low priority. Returns the number of added jobs; if a job already waits, none is added.
   */
  async resync<T extends AnyTable>(
    definition: T,
    target: Target<T>,
    options: ResyncTargetOptions = {},
  ): Promise<number> {
    checkOptions<ResyncTargetOptions>('resync', options, { enforcementPoint: true });
    return this.#forEach('resync', definition, target, (executor, { scope, tables }, identities, checked) =>
      resyncResources(executor, scope, tables, identities, pointsOf(checked, options).enforcementPoint),
    );
  }

  /**
   * Deletes these resources with their statuses and jobs at all points, as `purge` does for one; no handler unrealizes
   * them. Returns the number of resources that were deleted, or with `dryRun` that would be.
   */
  async purgeMany<T extends AnyTable>(
    definition: T,
    target: readonly KeyOf<T>[] | ResourceFilter<T>,
    options: PurgeManyOptions = {},
  ): Promise<number> {
    checkOptions<PurgeManyOptions>('purgeMany', options, { dryRun: true });
    if (options.dryRun === true) return this.#countTarget(definition, target);
    return this.#forEach('purgeMany', definition, target, (executor, { scope, tables }, identities) =>
      purgeResources(executor, scope, tables, identities),
    );
  }

  #countTarget<T extends AnyTable>(definition: T, target: Target<T>): Promise<number> {
    return operate(this.#parts, 'purgeMany', definition, undefined, ({ tables, scope, core }) => {
      const checked = checkTarget('purgeMany', tables, scope, target);
      return checked.kind === 'filter'
        ? countResources(core.executor, scope, tables, checked.filter)
        : countKnown(core.executor, scope, tables, checked.identities);
    });
  }

  /** Adds up the results of each page of the target. */
  async #forEach<T extends AnyTable>(
    operation: string,
    definition: T,
    target: Target<T>,
    work: (
      executor: Executor,
      open: Pick<OpenTables, 'tables' | 'scope'>,
      identities: readonly Identity[],
      target: CheckedTarget,
    ) => Promise<number>,
  ): Promise<number> {
    return operate(this.#parts, operation, definition, undefined, async ({ tables, scope, core }) => {
      const checked = checkTarget(operation, tables, scope, target);
      let total = 0;
      for await (const page of pagesOf(core.executor, scope, tables, checked)) {
        total += await core.executor.transaction((tx) => work(tx, { tables, scope }, page, checked));
      }
      return total;
    });
  }
}

/** The selected points of each resource: the point of the options, else of the filter, with the filter's status. */
const pointsOf = (target: CheckedTarget, { enforcementPoint, status }: RetryTargetOptions): RetriedPoints => {
  const filter = target.kind === 'filter' ? target.filter : undefined;
  return {
    enforcementPoint:
      enforcementPoint === undefined ? filter?.enforcementPoint : checkEnforcementPoint(enforcementPoint),
    weights: status === undefined ? filter?.weights : weightsOf('retry', status),
  };
};
