import { type AnyTable, ConfigurationError } from '@intendant/core';
import type pg from 'pg';
import type { LogView } from './log/read-log.ts';
import type { Position } from './position.ts';
import type { Step } from './source/follow.ts';
import type { SettledListener } from './source/settled-changes.ts';
import type { ChangesOptions, Subscriptions } from './subscriptions.ts';

/** Subscriptions from the inside. */
export interface SubscriptionsInternals {
  /** Of the connection that receives announcements: it leads through no pooler in transaction mode. */
  readonly connection: pg.ClientConfig;
  /**
   * Calls from now on; one reader serves all listeners of the process, of any number. A lost connection costs
   * time but no change. Returns a function that stops it.
   */
  onSettledChanges(tableNames: readonly string[], listener: SettledListener): Promise<() => void>;
  /** Checks what a reader asks for, as `subscribe` does, and finds its place. */
  begin(table: string | AnyTable, options: ChangesOptions): Promise<{ view: LogView; from: number }>;
  /** Ends when the subscriptions close, too. */
  follow(view: LogView, from: number, signal: AbortSignal): AsyncGenerator<Step>;
  /** A signal that aborts when the store's authorizer says that the context has ended. `end` it when it is no longer needed. */
  watchContext(context: unknown): { readonly signal: AbortSignal; end(): void };
  /** Whether the context still sees what the view was opened for. False when the authorizer refuses it now. */
  mayFollow(view: LogView, context: unknown): boolean;
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
