import type { AnyTable, DeleteOptions, KeyOf, NewRecordOf, RecordOf } from '@intendant/core';
import { translateError } from '@intendant/core/internal';
import { type HistoryOptions, readHistory, type StatusTransition } from '../history/history.ts';
import { checkTableList, readSummary, type TableSummary } from '../history/summary.ts';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import {
  deleteRequest,
  markRequest,
  persistIntentRequest,
  purgeRequest,
  softDeleteRequest,
} from '../operation/build.ts';
import type { OperationRequest } from '../operation/request.ts';
import type { Marked } from '../resource/resource-reference.ts';
import { readOverallStatus, readStatusDetails, type StatusDetails } from '../status/read-status.ts';
import type { Status } from '../status/status.ts';
import type { WaitOptions } from '../status/wait-for.ts';
import { BulkSession } from './bulk-session.ts';
import { type OpenTables, operate, performRequest, type RealizationParts } from './session-parts.ts';
import { SubmittingSession } from './submitting-session.ts';

/**
 * Intents and statuses, with the rights of one context. Every operation is one transaction that holds the lock of the
 * resource's overall status row, or joins the caller's transaction (`realization.in(tx)`).
 *
 * Every operation may throw the errors of core's sessions (MissingContextError, MissingOrgIdError,
 * OperationNotAllowedError, TableNotRegisteredError, InvalidRecordError, ConnectionError), and the errors named on it.
 */
export class RealizationSession extends BulkSession {
  readonly #parts: RealizationParts;
  /** The same operations as durable jobs that run in the background. */
  readonly submit: SubmittingSession;

  /** @internal */
  constructor(parts: RealizationParts) {
    super(parts);
    this.#parts = parts;
    this.submit = new SubmittingSession({ ...parts.submitting, session: parts });
  }

  /**
   * Stores the resource as its owner wants it, PENDING at each of its points, with a job for each: all in one
   * transaction. A record with a revision is an optimistic update: the resource must exist at that revision. Revision 0
   * only creates. A record without a revision replaces any revision. If an id is used again while status rows of the
   * earlier resource exist, its revision continues above theirs. An intent without points (an empty list, or a selector
   * that matches none) is REALIZED immediately if the resource is at no point.
   *
   * Throws RevisionConflictError; InvalidRecordError for a point that was removed, is stale or is not registered (see
   * `allowUnknownPoints`). Then nothing has changed.
   */
  async persistIntent<T extends AnyTable>(
    definition: T,
    record: NewRecordOf<T>,
    options: PersistOptions = {},
  ): Promise<PersistResult<T>> {
    return this.#perform(persistIntentRequest(definition, record, options));
  }

  /**
   * Reports that the resource waits at this point, and makes a job for it. The resource must exist at exactly this
   * revision. Several resources are checked separately: accepted marks are written even if others are refused.
   *
   * Throws MarkingFailedError. Its cause is a RecordNotFoundError, or a RevisionConflictError for a stale revision;
   * `details.refused` lists all that were refused. The same for the other marks.
   */
  async markPending<T extends AnyTable>(definition: T, resources: Marked<T>, enforcementPoint: string): Promise<void> {
    return this.#perform(markRequest(definition, resources, enforcementPoint, { status: 'PENDING' }));
  }

  /** Reports that an attempt has begun at this point. Errors as for `markPending`. */
  async markInProgress<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
  ): Promise<void> {
    return this.#perform(markRequest(definition, resources, enforcementPoint, { status: 'IN_PROGRESS' }));
  }

  /** Reports that the intent is realized at this point. Clears an earlier error there. */
  async markSuccess<T extends AnyTable>(definition: T, resources: Marked<T>, enforcementPoint: string): Promise<void> {
    return this.#perform(markRequest(definition, resources, enforcementPoint, { status: 'REALIZED' }));
  }

  /** Reports a failure: ERROR at the point and overall. The message is put before earlier ones in the details of both rows. */
  async markError<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
    error: unknown,
  ): Promise<void> {
    return this.#perform(markRequest(definition, resources, enforcementPoint, { status: 'ERROR', error }));
  }

  /** Reports that the resource is to be removed from this point. The resource need not exist; the same for the other deletion marks. */
  async markDeletionPending<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
  ): Promise<void> {
    return this.#perform(
      markRequest(definition, resources, enforcementPoint, { status: 'DELETION_PENDING', isRemoval: true }),
    );
  }

  /** Reports that the removal from this point has begun. Errors as for `markPending`. */
  async markDeletionInProgress<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
  ): Promise<void> {
    return this.#perform(
      markRequest(definition, resources, enforcementPoint, { status: 'DELETION_IN_PROGRESS', isRemoval: true }),
    );
  }

  /** Reports that the resource has been removed from this point. Errors as for `markPending`. */
  async markDeletionRealized<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
  ): Promise<void> {
    return this.#perform(
      markRequest(definition, resources, enforcementPoint, { status: 'DELETION_REALIZED', isRemoval: true }),
    );
  }

  /** Reports that the resource could not be removed from this point: ERROR, as `markError`. */
  async markDeletionError<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
    error: unknown,
  ): Promise<void> {
    return this.#perform(
      markRequest(definition, resources, enforcementPoint, { status: 'ERROR', isRemoval: true, error }),
    );
  }

  /**
   * Soft-deletes the resource and starts its removal at every point: DELETION_PENDING at each point, with a job for
   * each. Returns the record with its new revision; `rowsAffected` is 0 if no visible resource exists.
   *
   * Throws RevisionConflictError if a revision is given and the resource has another one; ConfigurationError for a
   * table defined with `softDelete: false`: use `delete` there.
   */
  async softDelete<T extends AnyTable>(
    definition: T,
    key: KeyOf<T>,
    options: DeleteOptions = {},
  ): Promise<{ rowsAffected: number; record: RecordOf<T> | undefined }> {
    return this.#perform(softDeleteRequest(definition, key, options));
  }

  /**
   * Deletes the resource's row immediately, and returns the number of deleted rows. Its status rows remain: those at
   * points become DELETION_PENDING, with a job for each, so that workers still remove the resource (they receive only
   * its key, not the record). The overall status is computed from them; it is DELETION_REALIZED if the resource is at
   * no point.
   *
   * Throws RevisionConflictError if a revision is given and the resource has another one.
   */
  async delete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: DeleteOptions = {}): Promise<number> {
    return this.#perform(deleteRequest(definition, key, options));
  }

  /**
   * Deletes the resource and all its status rows, at whichever points it is. No handler unrealizes it. Returns the
   * number of deleted rows.
   */
  async purge<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<number> {
    return this.#perform(purgeRequest('purge', definition, key));
  }

  /** Removes the status rows of a deleted or soft-deleted resource whose removal is pending or done. Returns their number. */
  async purgeStaleStatusRecords<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<number> {
    return this.#perform(purgeRequest('purgeStaleStatusRecords', definition, key));
  }

  /** Returns the heaviest status of all points. Throws RecordNotFoundError if the resource has no status. */
  async getOverallStatus<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<Status> {
    return this.#operate('getOverallStatus', definition, key, async ({ tables, scope, core }) => {
      const { status } = await readOverallStatus(core.executor, scope, tables, key);
      return status;
    });
  }

  /**
   * Returns the overall status and the status at each point, from one snapshot. Throws RecordNotFoundError if the
   * resource has no status.
   */
  async getOverallStatusWithEnforcementDetails<T extends AnyTable>(
    definition: T,
    key: KeyOf<T>,
  ): Promise<StatusDetails> {
    return this.#operate('getOverallStatusWithEnforcementDetails', definition, key, ({ tables, scope, core }) =>
      readStatusDetails(core.executor, scope, tables, key),
    );
  }

  /**
   * Returns the earlier statuses of the resource at its points, newest first. They are kept after the resource is
   * deleted, for the time of the maintenance option `keepHistoryMs`. Empty if there are none.
   */
  async history<T extends AnyTable>(
    definition: T,
    key: KeyOf<T>,
    options: HistoryOptions = {},
  ): Promise<StatusTransition[]> {
    return this.#operate('history', definition, key, ({ tables, scope, core }) =>
      readHistory(core.executor, scope, tables, key, options),
    );
  }

  /**
   * Returns the number of the caller's resources by status, overall and at each point, for each table. The numbers are
   * stored, so the cost does not depend on the number of resources. Default: all registered tables.
   */
  async summary(definitions?: readonly AnyTable[]): Promise<TableSummary[]> {
    const { core, registeredTables, statusTables } = this.#parts;
    checkTableList(definitions);
    const all = definitions?.map(statusTables) ?? registeredTables();
    if (all.length === 0) return [];
    const scope = core.scopeFor(all.flatMap(({ resource, overall, enforcement }) => [resource, overall, enforcement]));
    try {
      return await readSummary(core.executor, scope, all);
    } catch (error) {
      throw translateError(error, { operation: 'summary' });
    }
  }

  /**
   * Waits until the overall status is the wanted one, and returns it. The feed reports each change immediately. As a
   * safeguard, the status is also read every 2 to 10 seconds.
   *
   * Throws OperationCancelledError when the time is over or the signal aborts.
   */
  async waitFor<T extends AnyTable>(definition: T, key: KeyOf<T>, options: WaitOptions): Promise<Status> {
    return this.#operate('waitFor', definition, key, ({ tables, scope }) =>
      this.#parts.waitFor(scope, tables, key, options),
    );
  }

  #perform<Result>(request: OperationRequest<Result>): Promise<Result> {
    return performRequest(this.#parts, request);
  }

  #operate<Result>(
    operation: string,
    definition: AnyTable,
    key: unknown,
    run: (open: OpenTables) => Promise<Result>,
  ): Promise<Result> {
    return operate(this.#parts, operation, definition, key, run);
  }
}
