import type { Scope, WritableRow } from '@intendant/core/internal';
import type { Placement } from '../placement/placement-statements.ts';
import type { Identity } from '../resource/identity-set.ts';
import type { MarkedStatus } from '../status/marks.ts';

/** The part of a submission that concerns one resource. */
export type Operation =
  | {
      readonly kind: 'mark';
      readonly identity: Identity;
      readonly revision: number;
      readonly enforcementPoint: string;
      readonly status: MarkedStatus;
      readonly isRemoval: boolean;
      readonly message: string | undefined;
    }
  | {
      readonly kind: 'persistIntent';
      readonly identity: Identity;
      readonly row: WritableRow;
      readonly placement: Placement;
    }
  | { readonly kind: 'softDelete' | 'delete'; readonly identity: Identity; readonly revision: string | null }
  | { readonly kind: 'purge' | 'purgeStaleStatusRecords'; readonly identity: Identity };

/** An operation with everything that its later execution needs: the caller's scope and the table. */
export interface WaitingOperation {
  readonly id: string;
  readonly part: number;
  readonly tableName: string;
  readonly scope: Scope;
  readonly operation: Operation;
  /** What was stored as the trace that it was submitted in. */
  readonly traceparent: unknown;
}

const SHARDS = 16;

/** Operations of one resource are in one shard, and the operations of a shard are executed in order. */
export function shardOf(tableName: string, identity: Identity): number {
  let hash = 0x811c9dc5;
  for (const character of `${tableName} ${identity.join(' ')}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193) >>> 0;
  }
  return hash % SHARDS;
}
