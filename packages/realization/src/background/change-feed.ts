import type { Subscriptions } from '@intendant/subscription';
import { internalsOf } from '@intendant/subscription/internal';

/** What realization needs from subscriptions: prompt notice of changed rows in some tables. */
export interface ChangeFeed {
  /** A feed without subscriptions: it reports ten times a second that something may have changed. */
  readonly isPolled: boolean;
  /** Calls with the key of each changed row; without one when any may have changed unseen. Returns a function that stops it. */
  watch(tables: readonly string[], listener: (key?: Readonly<Record<string, unknown>>) => void): Promise<() => void>;
}

export function openChangeFeed(subscriptions: Subscriptions | undefined): ChangeFeed {
  if (subscriptions === undefined) return POLLED;
  const feed = internalsOf(subscriptions);
  return {
    isPolled: false,
    watch: (tables, listener) =>
      feed.onSettledChanges(tables, {
        onChanges: (changes) => {
          for (const { key } of changes) listener(key);
        },
        onGap: () => listener(),
      }),
  };
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
