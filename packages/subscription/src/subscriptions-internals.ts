import type { Change } from './change.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Hears of changes of some tables in this process. Must not throw, nor take long: nothing waits for it. */
export interface SettledListener {
  /** Settled changes of all tenants, in order, each once. */
  readonly onChanges: (changes: readonly Change[]) => void;
  /** Changes may have gone unseen (the log was trimmed past the reader): look at everything again. */
  readonly onGap?: () => void;
}

/** Subscriptions from the inside. */
export interface SubscriptionsInternals {
  /**
   * Calls from now on; one reader serves all listeners of the process, whatever their number. A lost connection costs
   * time but no change. Answers how to stop.
   */
  onSettledChanges(tableNames: readonly string[], listener: SettledListener): Promise<() => void>;
}

const known = new WeakMap<Subscriptions, SubscriptionsInternals>();

export const exposeSubscriptions = (subscriptions: Subscriptions, internals: SubscriptionsInternals): void =>
  void known.set(subscriptions, internals);

export function internalsOf(subscriptions: Subscriptions): SubscriptionsInternals {
  const internals = known.get(subscriptions);
  if (!internals) throw new TypeError('not the subscriptions of this copy of @intendant/subscription');
  return internals;
}
