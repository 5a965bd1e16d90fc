import type { AnyTable, KeyOf, RecordOf, Session } from '@intendant/core';
import type { Logger } from 'pino';

/** What is to be realized, or to be removed, at a worker's point. */
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
  /** Number of the attempt, starting at 1; it increases with each retry and each takeover. */
  readonly attempt: number;
  /** The resource's org; undefined for a shared table. */
  readonly orgId: string | undefined;
  /** The resource's instance; undefined for a table without instances. */
  readonly instanceId: string | undefined;
}

/** What a handler receives in addition to the intent. */
export interface HandlerContext {
  /** Aborts when the worker stops, the attempt's time limit is over, the lease is lost or (option) a newer revision arrives. */
  readonly signal: AbortSignal;
  /** A logger whose lines contain the table, the key, the point, the revision and the attempt. */
  readonly logger: Logger;
  /** A session with the rights of the resource's tenant, and instance if it has one. */
  readonly session: Session;
}

/**
 * What a worker does for one table. Handlers are called at least once for the newest revision; earlier revisions may be
 * skipped. One resource at one point has only one attempt at a time, over all processes. A handler should be
 * idempotent, and should end when its signal aborts.
 *
 * A handler that returns (or resolves) has succeeded. One that throws has failed: ERROR is recorded with its message,
 * and the attempt is repeated later, unless it threw a `TerminalError`.
 */
export interface Handlers<T extends AnyTable> {
  /** Realizes the intent at the worker's point. Called for each new revision and each retry. */
  realize(intent: Intent<T>, context: HandlerContext): Promise<void>;
  /** Removes the resource from the point. Default: nothing is called, and the resource counts as removed. */
  unrealize?(intent: Intent<T>, context: HandlerContext): Promise<void>;
  /**
   * Returns the real state: `realized` if it matches the intent, `drifted` if it differs, `missing` if there is nothing.
   * Called by the resync schedule; what is not `realized` is realized again. Default: no drift detection.
   */
  observe?(intent: Intent<T>, context: HandlerContext): Promise<Observation>;
}

/** The result of `observe`. */
export type Observation = 'realized' | 'drifted' | 'missing';

/** Handlers with their table. */
export interface TableHandlers {
  /** The table whose resources are handled. */
  readonly table: AnyTable;
  /** The functions called for these resources. */
  readonly handlers: Handlers<AnyTable>;
}

/** Combines handlers with their table, so that their intents are typed. */
export const on = <T extends AnyTable>(table: T, handlers: Handlers<T>): TableHandlers => ({
  table,
  handlers: handlers as unknown as Handlers<AnyTable>,
});
