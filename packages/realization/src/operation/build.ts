import {
  type AnyTable,
  type DeleteOptions,
  InvalidRecordError,
  type KeyOf,
  type NewRecordOf,
  type RecordOf,
} from '@intendant/core';
import { writeRow } from '@intendant/core/internal';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import type { SoftDeletedMany } from '../intent/remove-many.ts';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { placementOf } from '../placement/placement-rule.ts';
import { checkSoftDeletion, identityOf, markedRevision, removalOf } from '../resource/resource-identity.ts';
import type { Marked, ResourceReference } from '../resource/resource-reference.ts';
import { errorText } from '../status/details.ts';
import { throwRefused } from '../status/mark-failure.ts';
import type { MarkedStatus } from '../status/marks.ts';
import type { OperationOf } from './operation.ts';
import { readCount, readPersisted, readRecord, readVerdict, throwFirstRefused } from './read-outcomes.ts';
import type { OperationRequest, RequestContext } from './request.ts';

/** Functions that make the request of each verb. They do not throw; `build` checks the arguments. */

export const persistIntentRequest = <T extends AnyTable>(
  definition: T,
  record: NewRecordOf<T>,
  options: PersistOptions,
): OperationRequest<PersistResult<T>> => ({
  name: 'persistIntent',
  definition,
  key: record,
  isBulk: false,
  build: (context) => [intentOf(context, record, options)],
  read: (tables, [outcome]) => readPersisted<T>(tables, outcome),
});

export const persistIntentsRequest = <T extends AnyTable>(
  definition: T,
  records: readonly NewRecordOf<T>[],
  options: PersistOptions,
): OperationRequest<PersistResult<T>[]> => ({
  name: 'persistIntents',
  definition,
  key: undefined,
  isBulk: true,
  build: (context) => {
    if (!Array.isArray(records)) throw new InvalidRecordError('persistIntents: give a list of records');
    return records.map((record) => intentOf(context, record, options));
  },
  read: (tables, outcomes) => {
    throwFirstRefused(outcomes);
    return outcomes.map((outcome) => readPersisted<T>(tables, outcome));
  },
});

const intentOf = (
  { tables: { resource }, scope, placementRule }: RequestContext,
  record: unknown,
  options: PersistOptions,
): OperationOf<'persistIntent'> => {
  const placement = placementOf(options, placementRule, record);
  return {
    kind: 'persistIntent',
    identity: identityOf(resource, scope, record),
    row: writeRow(resource, scope, record),
    placement,
  };
};

/** What a mark reports. */
export interface MarkReport {
  readonly status: MarkedStatus;
  /** Whether it concerns the resource's removal from the point. Default false. */
  readonly isRemoval?: boolean;
  /** The cause of an ERROR. */
  readonly error?: unknown;
}

export const markRequest = <T extends AnyTable>(
  definition: T,
  resources: Marked<T>,
  enforcementPoint: string,
  { status, isRemoval = false, error }: MarkReport,
): OperationRequest<void> => {
  const references = (Array.isArray(resources) ? resources : [resources]) as readonly ResourceReference<T>[];
  return {
    name: `mark ${status}`,
    definition,
    key: undefined,
    isBulk: false,
    build: ({ tables: { resource }, scope }) => {
      checkEnforcementPoint(enforcementPoint);
      const message = status === 'ERROR' ? errorText(error) : undefined;
      return references.map((reference) => ({
        kind: 'mark',
        identity: identityOf(resource, scope, reference),
        revision: markedRevision(resource, reference),
        enforcementPoint,
        status,
        isRemoval,
        message,
      }));
    },
    read: ({ resource: table }, outcomes) =>
      throwRefused({ table, references, enforcementPoint, status, results: outcomes.map(readVerdict) }),
  };
};

export const softDeleteRequest = <T extends AnyTable>(
  definition: T,
  key: KeyOf<T>,
  options: DeleteOptions,
): OperationRequest<{ rowsAffected: number; record: RecordOf<T> | undefined }> => ({
  name: 'softDelete',
  definition,
  key,
  isBulk: false,
  build: (context) => [softDeletionOf(context, key, options)],
  read: ({ resource }, [outcome]) => {
    const record = readRecord(resource, outcome) as RecordOf<T> | undefined;
    return { rowsAffected: record ? 1 : 0, record };
  },
});

export const softDeleteManyRequest = <T extends AnyTable>(
  definition: T,
  keys: readonly KeyOf<T>[],
): OperationRequest<SoftDeletedMany<T>> => ({
  name: 'softDeleteMany',
  definition,
  key: undefined,
  isBulk: true,
  build: (context) => {
    if (!Array.isArray(keys)) throw new InvalidRecordError('softDeleteMany: give a list of keys');
    return keys.map((key) => softDeletionOf(context, key, {}));
  },
  read: ({ resource }, outcomes) => {
    throwFirstRefused(outcomes);
    const records = outcomes.flatMap((outcome) => readRecord(resource, outcome) ?? []) as RecordOf<T>[];
    return { rowsAffected: records.length, records };
  },
});

const softDeletionOf = (
  { tables: { resource }, scope }: RequestContext,
  key: unknown,
  options: DeleteOptions,
): OperationOf<'softDelete'> => {
  checkSoftDeletion(resource);
  return { kind: 'softDelete', ...removalOf(resource, scope, key, options) };
};

export const deleteRequest = <T extends AnyTable>(
  definition: T,
  key: KeyOf<T>,
  options: DeleteOptions,
): OperationRequest<number> => ({
  name: 'delete',
  definition,
  key,
  isBulk: false,
  build: ({ tables: { resource }, scope }) => [{ kind: 'delete', ...removalOf(resource, scope, key, options) }],
  read: (_, [outcome]) => readCount(outcome),
});

/** A purge of a resource, or only of its stale status rows. */
export const purgeRequest = <T extends AnyTable>(
  kind: 'purge' | 'purgeStaleStatusRecords',
  definition: T,
  key: KeyOf<T>,
): OperationRequest<number> => ({
  name: kind,
  definition,
  key,
  isBulk: false,
  build: ({ tables: { resource }, scope }) => [{ kind, identity: identityOf(resource, scope, key) }],
  read: (_, [outcome]) => readCount(outcome),
});
