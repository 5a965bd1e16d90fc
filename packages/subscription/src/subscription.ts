import type { Position } from './position.ts';

/** One subscriber. It goes on until closed, whatever happens to connections and servers. */
export interface Subscription extends AsyncDisposable {
  /** The place up to which everything was taken care of here. */
  readonly position: Position;
  /** How many committed changes, of those asked for, are not yet taken care of. Beyond 10,000 it answers 10,000. */
  lag(): Promise<number>;
  /** Hands over no further change until `resume`. */
  pause(): void;
  resume(): void;
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
  readonly table: string;
  /** Undefined for an ephemeral one. */
  readonly name: string | undefined;
  readonly position: Position;
  /** Changes the handler has taken care of. */
  readonly delivered: number;
  /** Calls of the handler that threw, or took too long. */
  readonly failedCalls: number;
  /** Changes put aside after the last attempt. */
  readonly deadLetters: number;
  /** Changes read and not yet taken care of. */
  readonly buffered: number;
  readonly isPaused: boolean;
  /** In how many of the 32 parts of a durable name's work this process has; all for an ephemeral one. */
  readonly slots: number;
}
