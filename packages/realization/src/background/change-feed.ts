import type { Subscriptions } from '@intendant/subscription';
import { internalsOf, type SubscriptionsInternals } from '@intendant/subscription/internal';
import type { ChangeListener } from './changed-row.ts';
import { SharedWatch } from './shared-watch.ts';

/** What realization needs from subscriptions: prompt notice of changed rows in some tables. */
export interface ChangeFeed {
  /** A feed without subscriptions: it reports ten times a second that something may have changed. */
  readonly isPolled: boolean;
  /** Calls the listener for changes of these tables. Returns a function that stops it. */
  watch(tables: readonly string[], listener: ChangeListener): Promise<() => void>;
}

export const openChangeFeed = (subscriptions: Subscriptions | undefined): ChangeFeed =>
  subscriptions === undefined ? POLLED : new SubscribedFeed(internalsOf(subscriptions));

/** Watches of the same tables share one reader, so that only the first has to find the current end of the log. */
class SubscribedFeed implements ChangeFeed {
  readonly isPolled = false;
  readonly #subscriptions: SubscriptionsInternals;
  readonly #watches = new Map<string, SharedWatch>();

  constructor(subscriptions: SubscriptionsInternals) {
    this.#subscriptions = subscriptions;
  }

  watch(tables: readonly string[], listener: ChangeListener): Promise<() => void> {
    const name = tables.join(' ');
    const known = this.#watches.get(name);
    if (known && !known.isEnded) return known.add(listener);
    const watch = new SharedWatch((tell) =>
      this.#subscriptions.onSettledChanges(tables, {
        onChanges: (changes) => changes.forEach(tell),
        onGap: () => tell(),
      }),
    );
    this.#watches.set(name, watch);
    return watch.add(listener);
  }
}

const POLL_MS = 100;

/** Without subscriptions anything may have changed at any time. */
const POLLED: ChangeFeed = {
  isPolled: true,
  watch: async (_tables, listener) => {
    const timer = setInterval(() => listener(), POLL_MS);
    return () => clearInterval(timer);
  },
};
