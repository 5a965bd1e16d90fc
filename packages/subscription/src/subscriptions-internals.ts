import { type AnyTable, ConfigurationError } from '@intendant/core';
import type pg from 'pg';
import type { LogView } from './log/read-log.ts';
import type { Position } from './position.ts';
import type { Step } from './source/follow.ts';
import type { SettledListener } from './source/settled-changes.ts';
import type { ChangesOptions, Subscriptions } from './subscriptions.ts';

/** What sibling packages may use of subscriptions. */
export interface SubscriptionsInternals {
  /** The options of the connection that receives announcements. It uses no pooler in transaction mode. */
  readonly connection: pg.ClientConfig;
  /**
   * Calls the listener with all changes from now on. One reader serves any number of listeners of the process. A lost
   * connection delays changes but loses none. Returns a function that stops it.
   */
  onSettledChanges(tableNames: readonly string[], listener: SettledListener): Promise<() => void>;
  /** Checks a reader's options, as `subscribe` does, and determines its place. */
  begin(table: string | AnyTable, options: ChangesOptions): Promise<{ view: LogView; from: number }>;
  /** Reads until the signal aborts or the subscriptions close. */
  follow(view: LogView, from: number, signal: AbortSignal): AsyncGenerator<Step>;
  /**
   * A signal that aborts when the store's authorizer reports that the context has ended. Call `end` when the signal is
   * no longer needed.
   */
  watchContext(context: unknown): { readonly signal: AbortSignal; end(): void };
  /** Whether the context still has the scope that the view was opened with. False if the authorizer refuses it now. */
  mayFollow(view: LogView, context: unknown): boolean;
  isClosed(): boolean;
  positionOf(sequence: number): Position;
}

const known = new WeakMap<Subscriptions, SubscriptionsInternals>();

export const exposeSubscriptions = (subscriptions: Subscriptions, internals: SubscriptionsInternals): void =>
  void known.set(subscriptions, internals);

/** Throws ConfigurationError for subscriptions that another copy of the package made. */
export function internalsOf(subscriptions: Subscriptions): SubscriptionsInternals {
  const internals = known.get(subscriptions);
  if (!internals)
    throw new ConfigurationError(
      'the subscriptions were not made by createSubscriptions of this copy of @intendant/subscription; if `npm ls @intendant/subscription` lists several copies, install one version of all Intendant packages',
    );
  return internals;
}
