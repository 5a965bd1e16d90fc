import type { Position } from './position.ts';

/** One subscriber. It works until it is closed, also across lost connections and server restarts. */
export interface Subscription extends AsyncDisposable {
  /** All changes up to this position are completed here. */
  readonly position: Position;
  /**
   * Returns the number of committed changes, of those asked for, that are not yet completed. Counting stops at 10,000, and reads
   * the next 200,000 positions of the log only: further behind, the number is a lower bound.
   */
  lag(): Promise<number>;
  /** Delivers no further change until `resume`. */
  pause(): void;
  /** Ends a `pause`: changes are delivered again. Has no effect if the subscription is not paused. */
  resume(): void;
  /** Returns counts since the subscription was opened in this process, without asking the database. */
  stats(): SubscriptionStats;
  /** Why it has ended by itself, e.g. NameForgottenError; undefined while it works, and after `close`. */
  readonly error: Error | undefined;
  /** Resolves when it is closed. Rejects with `error` when it ends by itself; that is logged too, and `onError` is called. */
  readonly closed: Promise<void>;
  /** Resolves when the handler has returned from what is under way, or after 10 s. May be called twice, not from the handler. */
  close(): Promise<void>;
}

/** Counts since the subscription was opened in this process. */
export interface SubscriptionStats {
  /** The name of the table, as defined. */
  readonly table: string;
  /** Undefined for an ephemeral one. */
  readonly name: string | undefined;
  /** All changes up to this position are completed. */
  readonly position: Position;
  /** Number of changes that the handler has completed. */
  readonly delivered: number;
  /** Calls of the handler that threw, or took too long. */
  readonly failedCalls: number;
  /** Number of changes that became dead letters. */
  readonly deadLetters: number;
  /** Number of changes that are read and not yet completed. */
  readonly buffered: number;
  /** True between `pause` and `resume`. */
  readonly isPaused: boolean;
  /** In how many of the 32 parts of a durable name's work this process has; all for an ephemeral one. */
  readonly slots: number;
}
