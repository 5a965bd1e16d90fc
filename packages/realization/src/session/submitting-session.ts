import { randomUUID } from 'node:crypto';
import {
  type AnyTable,
  type DeleteOptions,
  InvalidRecordError,
  type KeyOf,
  type NewRecordOf,
  type RecordOf,
} from '@intendant/core';
import {
  describeKey,
  type RegisteredTable,
  type Scope,
  type SpanDescription,
  SpanKind,
  traced,
  translateError,
  writeRow,
} from '@intendant/core/internal';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import type { SoftDeletedMany } from '../intent/remove-many.ts';
import type { Operation } from '../operation/operation.ts';
import type { Outcome } from '../operation/result.ts';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { placementOf } from '../placement/placement-rule.ts';
import type { Placement } from '../placement/placement-statements.ts';
import { pointTableName } from '../placement/selector.ts';
import { checkSoftDeletion, identityOf, markedRevision, removalOf } from '../resource/resource-identity.ts';
import type { Marked, ResourceReference } from '../resource/resource-reference.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { errorText } from '../status/details.ts';
import { throwRefused } from '../status/mark-failure.ts';
import type { MarkedStatus } from '../status/marks.ts';
import { submitOperations } from '../submit/operation-statements.ts';
import { readCount, readPersisted, readRecord, readVerdict, throwFirstRefused } from '../submit/read-outcomes.ts';
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
    const placement = placementOf(options, this.#parts.session.placementRule(definition), record);
    return this.#submit(
      'persistIntent',
      definition,
      record,
      ({ resource }, scope) => [intentOf(resource, scope, record, placement)],
      (tables, [outcome]) => readPersisted<T>(tables, outcome),
    );
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
    if (!Array.isArray(records)) throw new InvalidRecordError('submit.persistIntents: give a list of records');
    const rule = this.#parts.session.placementRule(definition);
    return this.#submit(
      'persistIntents',
      definition,
      undefined,
      ({ resource }, scope) =>
        records.map((record) => intentOf(resource, scope, record, placementOf(options, rule, record))),
      (tables, outcomes) => {
        throwFirstRefused(outcomes);
        return outcomes.map((outcome) => readPersisted<T>(tables, outcome));
      },
    );
  }

  /** As `RealizationSession.markPending`. */
  markPending<T extends AnyTable>(definition: T, resources: Marked<T>, point: string): Promise<Submitted<void>> {
    return this.#mark('PENDING', false, definition, resources, point);
  }

  /** As `RealizationSession.markInProgress`. */
  markInProgress<T extends AnyTable>(definition: T, resources: Marked<T>, point: string): Promise<Submitted<void>> {
    return this.#mark('IN_PROGRESS', false, definition, resources, point);
  }

  /** As `RealizationSession.markSuccess`. */
  markSuccess<T extends AnyTable>(definition: T, resources: Marked<T>, point: string): Promise<Submitted<void>> {
    return this.#mark('REALIZED', false, definition, resources, point);
  }

  /** As `RealizationSession.markError`. */
  markError<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
    error: unknown,
  ): Promise<Submitted<void>> {
    return this.#mark('ERROR', false, definition, resources, point, error);
  }

  /** As `RealizationSession.markDeletionPending`. */
  markDeletionPending<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
  ): Promise<Submitted<void>> {
    return this.#mark('DELETION_PENDING', true, definition, resources, point);
  }

  /** As `RealizationSession.markDeletionInProgress`. */
  markDeletionInProgress<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
  ): Promise<Submitted<void>> {
    return this.#mark('DELETION_IN_PROGRESS', true, definition, resources, point);
  }

  /** As `RealizationSession.markDeletionRealized`. */
  markDeletionRealized<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
  ): Promise<Submitted<void>> {
    return this.#mark('DELETION_REALIZED', true, definition, resources, point);
  }

  /** As `RealizationSession.markDeletionError`. */
  markDeletionError<T extends AnyTable>(
    definition: T,
    resources: Marked<T>,
    point: string,
    error: unknown,
  ): Promise<Submitted<void>> {
    return this.#mark('ERROR', true, definition, resources, point, error);
  }

  /** As `RealizationSession.softDelete`. */
  softDelete<T extends AnyTable>(
    definition: T,
    key: KeyOf<T>,
    options: DeleteOptions = {},
  ): Promise<Submitted<{ rowsAffected: number; record: RecordOf<T> | undefined }>> {
    return this.#submit(
      'softDelete',
      definition,
      key,
      ({ resource }, scope) => {
        checkSoftDeletion(resource);
        return [{ kind: 'softDelete', ...removalOf(resource, scope, key, options) }];
      },
      ({ resource }, [outcome]) => {
        const record = readRecord(resource, outcome) as RecordOf<T> | undefined;
        return { rowsAffected: record ? 1 : 0, record };
      },
    );
  }

  /** As `RealizationSession.softDeleteMany`, except that each key is executed separately. */
  async softDeleteMany<T extends AnyTable>(
    definition: T,
    keys: readonly KeyOf<T>[],
  ): Promise<Submitted<SoftDeletedMany<T>>> {
    if (!Array.isArray(keys)) throw new InvalidRecordError('submit.softDeleteMany: give a list of keys');
    return this.#submit(
      'softDeleteMany',
      definition,
      undefined,
      ({ resource }, scope) => {
        checkSoftDeletion(resource);
        return keys.map((key) => ({ kind: 'softDelete', ...removalOf(resource, scope, key, {}) }));
      },
      ({ resource }, outcomes) => {
        throwFirstRefused(outcomes);
        const hidden = outcomes.flatMap((outcome) => readRecord(resource, outcome) ?? []);
        return { rowsAffected: hidden.length, records: hidden as RecordOf<T>[] };
      },
    );
  }

  /** As `RealizationSession.delete`. */
  delete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: DeleteOptions = {}): Promise<Submitted<number>> {
    const removal = ({ resource }: StatusTables, scope: Scope): Operation[] => [
      { kind: 'delete', ...removalOf(resource, scope, key, options) },
    ];
    return this.#submit('delete', definition, key, removal, (_, [outcome]) => readCount(outcome));
  }

  /** As `RealizationSession.purge`. */
  purge<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<Submitted<number>> {
    return this.#clear('purge', definition, key);
  }

  /** As `RealizationSession.purgeStaleStatusRecords`. */
  purgeStaleStatusRecords<T extends AnyTable>(definition: T, key: KeyOf<T>): Promise<Submitted<number>> {
    return this.#clear('purgeStaleStatusRecords', definition, key);
  }

  #clear(kind: 'purge' | 'purgeStaleStatusRecords', definition: AnyTable, key: unknown): Promise<Submitted<number>> {
    return this.#submit(
      kind,
      definition,
      key,
      ({ resource }, scope) => [{ kind, identity: identityOf(resource, scope, key) }],
      (_, [outcome]) => readCount(outcome),
    );
  }

  async #mark<T extends AnyTable>(
    status: MarkedStatus,
    isRemoval: boolean,
    definition: T,
    resources: Marked<T>,
    enforcementPoint: string,
    error?: unknown,
  ): Promise<Submitted<void>> {
    checkEnforcementPoint(enforcementPoint);
    const references = (Array.isArray(resources) ? resources : [resources]) as readonly ResourceReference<T>[];
    const message = status === 'ERROR' ? errorText(error) : undefined;
    return this.#submit(
      `mark ${status}`,
      definition,
      undefined,
      ({ resource }, scope) =>
        references.map((reference) => ({
          kind: 'mark',
          identity: identityOf(resource, scope, reference),
          revision: markedRevision(resource, reference),
          enforcementPoint,
          status,
          isRemoval,
          message,
        })),
      ({ resource: table }, outcomes) =>
        throwRefused({ table, references, enforcementPoint, status, results: outcomes.map(readVerdict) }),
    );
  }

  async #submit<Result>(
    name: string,
    definition: AnyTable,
    key: unknown,
    operationsOf: (tables: StatusTables, scope: Scope) => readonly Operation[],
    read: (tables: StatusTables, outcomes: readonly Outcome[]) => Result,
  ): Promise<Submitted<Result>> {
    const { session, onSubmitted, watch } = this.#parts;
    const { core } = session;
    const tables = session.statusTables(definition);
    const scope = core.scopeFor([tables.resource, tables.overall, tables.enforcement]);
    const id = randomUUID();
    const operations = this.#parts.operations();
    const parts = operationsOf(tables, scope);
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

const intentOf = (resource: RegisteredTable, scope: Scope, record: unknown, placement: Placement): Operation => ({
  kind: 'persistIntent',
  identity: identityOf(resource, scope, record),
  row: writeRow(resource, scope, record),
  placement,
});
