import type { Scope, WritableRow } from '@intendant/core/internal';
import type { Placement } from '../placement/placement-statements.ts';
import type { Identity } from '../resource/identity-set.ts';
import type { MarkedStatus } from '../status/marks.ts';

/** One resource's part of what was submitted. */
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

/** An operation with what it needs to be carried out later: for whom, and on which table. */
export interface WaitingOperation {
  readonly id: string;
  readonly part: number;
  readonly tableName: string;
  readonly scope: Scope;
  readonly operation: Operation;
}

const SHARDS = 16;

/** Operations of one resource have one shard, and those of a shard are carried out in order. */
export function shardOf(tableName: string, identity: Identity): number {
  let hash = 0x811c9dc5;
  for (const character of `${tableName} ${identity.join(' ')}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193) >>> 0;
  }
  return hash % SHARDS;
}
