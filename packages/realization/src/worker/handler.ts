import type { AnyTable, KeyOf, RecordOf, Session } from '@intendant/core';
import type { Logger } from 'pino';

/** What is to be made true, or to be removed, at a worker's point. */
export interface Intent<T extends AnyTable> {
  /**
   * The resource when the attempt began. A soft-deleted one has `deletedAt`. If the row was deleted (only `unrealize`
   * meets this case), only the key, the ids and the revision are known.
   */
  readonly record: RecordOf<T>;
  /** The key columns, and org and instance where the table has them. */
  readonly key: Extract<KeyOf<T>, object>;
  /** The resource's revision that is to be realized. */
  readonly revision: number;
  /** From 1; grows with each retry and each takeover. */
  readonly attempt: number;
  /** The resource's org; undefined for a shared table. */
  readonly orgId: string | undefined;
  /** The resource's instance; undefined for a table without instances. */
  readonly instanceId: string | undefined;
}

/** What a handler receives beside the intent. */
export interface HandlerContext {
  /** Aborted when the worker stops, the attempt's time is up, the lease is lost or (option) a newer revision arrives. */
  readonly signal: AbortSignal;
  /** Bound to the table, the key, the point, the revision and the attempt. */
  readonly logger: Logger;
  /** Acts for the resource's tenant, and for its instance if it has one. */
  readonly session: Session;
}

/**
 * What a worker does for one table. Handlers run at least once for each revision that is the newest when its turn
 * comes; revisions in between may be skipped. For one resource at one point there is one attempt at a time, over all
 * processes. So they should be idempotent, and give up when the signal aborts.
 *
 * A handler that resolves has succeeded. One that throws has failed: ERROR is recorded with its message and the attempt
 * is made again later, unless it throws a `TerminalError`.
 */
export interface Handlers<T extends AnyTable> {
  /** Makes the intent true at the worker's point. Called for each new revision and each retry. */
  realize(intent: Intent<T>, context: HandlerContext): Promise<void>;
  /** Removes the resource from the point. Default: there is nothing to do, it counts as removed. */
  unrealize?(intent: Intent<T>, context: HandlerContext): Promise<void>;
  /**
   * Returns the real state: `realized` if it matches the intent, `drifted` if it differs, `missing` if there is nothing.
   * Called by the resync schedule; what is not `realized` is realized again. Default: no drift detection.
   */
  observe?(intent: Intent<T>, context: HandlerContext): Promise<Observation>;
}

/** What `observe` found. */
export type Observation = 'realized' | 'drifted' | 'missing';

/** Handlers and the table they are for. */
export interface TableHandlers {
  /** The table whose resources are handled. */
  readonly table: AnyTable;
  /** The functions called for these resources. */
  readonly handlers: Handlers<AnyTable>;
}

/**
 * Names the table that handlers are for, so that their intents are typed.
 *
 * ```ts
 * on(vm, { realize: async ({ record }, { signal }) => { await hypervisor.apply(record.name, { signal }); } })
 * ```
 */
export const on = <T extends AnyTable>(table: T, handlers: Handlers<T>): TableHandlers => ({
  table,
  handlers: handlers as unknown as Handlers<AnyTable>,
});
