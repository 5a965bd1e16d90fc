import type { AnyTable } from '@intendant/core';
import type { Scope } from '@intendant/core/internal';
import type { PlacementRule } from '../placement/placement-rule.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import type { Operation } from './operation.ts';
import type { Outcome } from './result.ts';

/** What the operations of a request are built from, besides its arguments. */
export interface RequestContext {
  readonly tables: StatusTables;
  readonly scope: Scope;
  /** The default points for resources of the table. */
  readonly placementRule: PlacementRule<AnyTable> | undefined;
}

/**
 * One call of a verb: its operations, and how its result is made from their outcomes. Both sessions use it: one
 * performs the operations immediately, the other stores them for later.
 */
export interface OperationRequest<Result> {
  /** For errors and traces. */
  readonly name: string;
  readonly definition: AnyTable;
  /** The key or record that errors name; undefined for several. */
  readonly key: unknown;
  /** Whether the verb takes a list of resources, and changes all of them or none. */
  readonly isBulk: boolean;
  /** Throws for invalid arguments. All operations are of one kind. */
  build(context: RequestContext): readonly Operation[];
  /** Throws the error of a refused operation. The outcomes are in the order of the operations. */
  read(tables: StatusTables, outcomes: readonly Outcome[]): Result;
}
