import type { Position } from './position.ts';

/** A subscription. It delivers changes until it is closed, and continues after lost connections and server restarts. */
export interface Subscription extends AsyncDisposable {
  /** All changes up to this position are completed by this subscription. */
  readonly position: Position;
  /**
   * Returns the number of committed changes that match the subscription and are not yet completed. Counting stops at
   * 10,000 and reads at most the next 200,000 positions of the log. If the subscription is further behind, the number
   * is a lower bound.
   */
  lag(): Promise<number>;
  /** Delivers no further change until `resume`. */
  pause(): void;
  /** Ends a `pause`: changes are delivered again. Has no effect if the subscription is not paused. */
  resume(): void;
  /** Returns counts since the subscription was opened in this process, without asking the database. */
  stats(): SubscriptionStats;
  /** The error that ended the subscription, e.g. NameForgottenError. Undefined while it works, and after `close`. */
  readonly error: Error | undefined;
  /** Resolves when it is closed. Rejects with `error` if an error ended it; the error is also logged and passed to `onError`. */
  readonly closed: Promise<void>;
  /**
   * Closes the subscription. Resolves when running calls of the handler have returned, or after 10 s. May be called more
   * than once. Do not call it in the handler.
   */
  close(): Promise<void>;
}

/** Counts since the subscription was opened in this process. */
export interface SubscriptionStats {
  /** The name of the table, as defined. */
  readonly table: string;
  /** Undefined for an ephemeral subscription. */
  readonly name: string | undefined;
  /** All changes up to this position are completed. */
  readonly position: Position;
  /** Number of changes that the handler has completed. */
  readonly delivered: number;
  /** Number of calls of the handler that threw or exceeded the time limit. */
  readonly failedCalls: number;
  /** Number of changes that became dead letters. */
  readonly deadLetters: number;
  /** Number of changes that are read and not yet completed. */
  readonly buffered: number;
  /** True between `pause` and `resume`. */
  readonly isPaused: boolean;
  /** How many of the 32 slots of a durable name this process owns; all 32 for an ephemeral subscription. */
  readonly slots: number;
}
