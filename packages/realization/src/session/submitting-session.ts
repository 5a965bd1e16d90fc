import { randomUUID } from 'node:crypto';
import type { AnyTable, DeleteOptions, KeyOf, NewRecordOf, RecordOf } from '@intendant/core';
import { describeKey, type SpanDescription, SpanKind, traced, translateError } from '@intendant/core/internal';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import type { SoftDeletedMany } from '../intent/remove-many.ts';
import {
  deleteRequest,
  markRequest,
  persistIntentRequest,
  persistIntentsRequest,
  purgeRequest,
  softDeleteManyRequest,
  softDeleteRequest,
} from '../operation/build.ts';
import type { OperationRequest } from '../operation/request.ts';
import { pointTableName } from '../placement/selector.ts';
import type { Marked } from '../resource/resource-reference.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { submitOperations } from '../submit/operation-statements.ts';
import { Submitted } from '../submit/submitted.ts';
import type { SubmitParts } from './session-parts.ts';

/**
 * The session's operations as durable jobs: each is stored by one insert and executed later by maintenance, in any
 * process, with the caller's rights. For bursts of operations whose statuses may lag behind, and for callers that
 * should not wait for a resource's lock. The operations on one resource are executed in order, and each has its effect
 * once. Under `realization.in(tx)` an operation is queued when the transaction commits.
 *
 * An invalid record, key or point is refused immediately, and so is a caller without the right. Errors that only the
 * execution finds (RevisionConflictError, MarkingFailedError) are thrown by the result:
 *
 * ```ts
 * const submitted = await r.submit.markSuccess(vm, { id: 'VM1', revision: 3 }, 'E1');
 * await submitted.result({ timeoutMs: 5_000 });
 * ```
 */
export class SubmittingSession {
  readonly #parts: SubmitParts;

  /** @internal */
  constructor(parts: SubmitParts) {
    this.#parts = parts;
  }

  /** As `RealizationSession.persistIntent`. */
  async persistIntent<T extends AnyTable>(
    definition: T,
    record: NewRecordOf<T>,
    options: PersistOptions = {},
  ): Promise<Submitted<PersistResult<T>>> {
    return this.#submit(persistIntentRequest(definition, record, options));
  }

  /**
   * As `RealizationSession.persistIntents`, except that each intent is executed separately: a refused one does not
   * affect the others. Then the result throws the error of the first; `details.refused` has the indexes of all.
   */
  async persistIntents<T extends AnyTable>(
    definition: T,
    records: readonly NewRecordOf<T>[],
    options: PersistOptions = {},
  ): Promise<Submitted<PersistResult<T>[]>> {
    return this.#submit(persistIntentsRequest(definition, records, options));
  }

  /** As `RealizationSession.markPending`. */
  markPending<T extends AnyTable>(definition: T, resources: Marked<T>, point: string): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'PENDING' }));
  }

  /** As `RealizationSession.markInProgress`. */
  markInProgress<T extends AnyTable>(definition: T, resources: Marked<T>, point: string): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'IN_PROGRESS' }));
  }

  /** As `RealizationSession.markSuccess`. */
  markSuccess<T extends AnyTable>(definition: T, resources: Marked<T>, point: string): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'REALIZED' }));
  }

  /** As `RealizationSession.markError`. */
  markError<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
    error: unknown,
  ): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'ERROR', error }));
  }

  /** As `RealizationSession.markDeletionPending`. */
  markDeletionPending<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
  ): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'DELETION_PENDING', isRemoval: true }));
  }

  /** As `RealizationSession.markDeletionInProgress`. */
  markDeletionInProgress<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
  ): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'DELETION_IN_PROGRESS', isRemoval: true }));
  }

  /** As `RealizationSession.markDeletionRealized`. */
  markDeletionRealized<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
  ): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'DELETION_REALIZED', isRemoval: true }));
  }

  /** As `RealizationSession.markDeletionError`. */
  markDeletionError<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
    error: unknown,
  ): Promise<Submitted<void>> {
    return this.#submit(markRequest(definition, resources, point, { status: 'ERROR', isRemoval: true, error }));
  }

  /** As `RealizationSession.softDelete`. */
  softDelete<T extends AnyTable>(
    definition: T,
    key: KeyOf<T>,
    options: DeleteOptions = {},
  ): Promise<Submitted<{ rowsAffected: number; record: RecordOf<T> | undefined }>> {
    return this.#submit(softDeleteRequest(definition, key, options));
  }

  /** As `RealizationSession.softDeleteMany`, except that each key is executed separately. */
  async softDeleteMany<T extends AnyTable>(
    definition: T,
    keys: readonly KeyOf<T>[],
  ): Promise<Submitted<SoftDeletedMany<T>>> {
    return this.#submit(softDeleteManyRequest(definition, keys));
  }

  /** As `RealizationSession.delete`. */
  delete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: DeleteOptions = {}): Promise<Submitted<number>> {
    return this.#submit(deleteRequest(definition, key, options));
  }

  /** As `RealizationSession.purge`. */
  purge<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<Submitted<number>> {
    return this.#submit(purgeRequest('purge', definition, key));
  }

  /** As `RealizationSession.purgeStaleStatusRecords`. */
  purgeStaleStatusRecords<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<Submitted<number>> {
    return this.#submit(purgeRequest('purgeStaleStatusRecords', definition, key));
  }

  async #submit<Result>({ name, definition, key, build, read }: OperationRequest<Result>): Promise<Submitted<Result>> {
    const { session, onSubmitted, watch } = this.#parts;
    const { core } = session;
    const tables = session.statusTables(definition);
    const scope = core.scopeFor([tables.resource, tables.overall, tables.enforcement]);
    const id = randomUUID();
    const operations = this.#parts.operations();
    const parts = build({ tables, scope, placementRule: session.placementRule(definition) });
    try {
      if (parts.length > 0)
        await traced(
          () => describeSubmission(name, tables),
          () => core.executor.run(scope, [submitOperations(operations, id, pointTableName(tables), scope, parts)]),
        );
    } catch (error) {
      const { name: table } = tables.resource;
      throw translateError(error, { operation: `submit ${name}`, table, key: describeKey(tables.resource, key) });
    }
    onSubmitted();
    const executor = session.outsideTransactions;
    return new Submitted(id, {
      executor,
      scope,
      operations,
      partCount: parts.length,
      watch,
      read: (outcomes) => read(tables, outcomes),
    });
  }
}

/** By the semantic conventions for messaging. */
const describeSubmission = (operation: string, { resource }: StatusTables): SpanDescription => ({
  name: `submit ${resource.name}`,
  kind: SpanKind.PRODUCER,
  attributes: {
    'messaging.system': 'intendant',
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'submit',
    'messaging.destination.name': resource.name,
    'intendant.operation': operation,
    'intendant.table': resource.name,
  },
});
