import type { AnyTable } from '@intendant/core';
import {
  describeKey,
  type Executor,
  type RegisteredTable,
  type Scope,
  type SessionInternals,
  type SpanDescription,
  SpanKind,
  traced,
  translateError,
} from '@intendant/core/internal';
import type { JobQueue } from '../job/job-queue.ts';
import { perform, performMany } from '../operation/perform.ts';
import type { OperationRequest } from '../operation/request.ts';
import type { PlacementRule } from '../placement/placement-rule.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import type { Status } from '../status/status.ts';
import type { WaitOptions } from '../status/wait-for.ts';

/** The parts of a session: core's session, and what the realization knows of the tables. */
export interface RealizationParts {
  readonly core: SessionInternals;
  statusTables(definition: AnyTable): StatusTables;
  registeredTables(): readonly StatusTables[];
  /** Runs outside the session's transaction, if there is one. */
  readonly outsideTransactions: Executor;
  /** Reads as the login: the query itself must be limited to what the caller may see. */
  readonly jobQueue: JobQueue;
  readonly submitting: Omit<SubmitParts, 'session'>;
  /** The default points for resources of the table. */
  placementRule(definition: AnyTable): PlacementRule<AnyTable> | undefined;
  waitFor(scope: Scope, tables: StatusTables, key: unknown, options: WaitOptions): Promise<Status>;
}

/** What submitting needs in addition to a session's parts. */
export interface SubmitParts {
  readonly session: RealizationParts;
  readonly operations: () => RegisteredTable;
  /** Notifies maintenance when the session's transaction has committed. */
  onSubmitted(): void;
  watch(id: string, wake: () => void): Promise<() => void>;
}

/** The tables of an operation, and the caller's scope on all of them. */
export interface OpenTables {
  readonly tables: StatusTables;
  readonly scope: Scope;
  readonly core: SessionInternals;
}

/** Runs one operation of a session. Its errors name the operation, the table and the key. */
export async function operate<Result>(
  parts: RealizationParts,
  operation: string,
  definition: AnyTable,
  key: unknown,
  run: (open: OpenTables) => Promise<Result>,
): Promise<Result> {
  const { core } = parts;
  const tables = parts.statusTables(definition);
  const scope = core.scopeFor([tables.resource, tables.overall, tables.enforcement]);
  try {
    return await traced(
      () => describeOperation(operation, tables),
      () => run({ tables, scope, core }),
    );
  } catch (error) {
    throw translateError(error, { operation, table: tables.resource.name, key: describeKey(tables.resource, key) });
  }
}

/** Performs a request immediately. */
export const performRequest = <Result>(parts: RealizationParts, request: OperationRequest<Result>): Promise<Result> =>
  operate(parts, request.name, request.definition, request.key, async ({ tables, scope, core: { executor } }) => {
    const placementRule = parts.placementRule(request.definition);
    const operations = request.build({ tables, scope, placementRule });
    const [only] = operations;
    const outcomes =
      only !== undefined && operations.length === 1 && !request.isBulk
        ? [await perform(executor, scope, tables, only)]
        : await performMany(executor, scope, tables, operations);
    return request.read(tables, outcomes);
  });

const describeOperation = (operation: string, { resource }: StatusTables): SpanDescription => ({
  name: `${operation} ${resource.name}`,
  kind: SpanKind.INTERNAL,
  attributes: { 'intendant.operation': operation, 'intendant.table': resource.name },
});
