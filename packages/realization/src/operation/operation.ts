import type { Scope } from '@intendant/core/internal';
import type { IntentToPersist } from '../intent/persist-intent.ts';
import type { Removal } from '../intent/remove.ts';
import type { Identity } from '../resource/identity-set.ts';
import type { Mark } from '../status/marks.ts';

/** A change of one resource's intent or status, independent of when it is executed. It can be stored as JSON. */
export type Operation =
  | ({ readonly kind: 'mark' } & Mark)
  | ({ readonly kind: 'persistIntent' } & IntentToPersist)
  | ({ readonly kind: 'softDelete' } & Removal)
  | ({ readonly kind: 'delete' } & Removal)
  | { readonly kind: 'purge'; readonly identity: Identity }
  | { readonly kind: 'purgeStaleStatusRecords'; readonly identity: Identity };

export type OperationKind = Operation['kind'];

export type OperationOf<Kind extends OperationKind> = Extract<Operation, { readonly kind: Kind }>;

/** Narrows an operation to one kind; with `every`, a list of them. */
export const isKind =
  <Kind extends OperationKind>(kind: Kind) =>
  (operation: Operation): operation is OperationOf<Kind> =>
    operation.kind === kind;

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
