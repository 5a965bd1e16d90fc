import { type Change, OPERATIONS } from '../change.ts';
import { fedTable } from './fed-table.ts';
import type { Feed } from './feed.ts';
import { follow } from './follow.ts';
import { startPlace } from './start-place.ts';

/**
 * Receives changes of some tables in this process. Its functions must not throw, and must return quickly, because they
 * are called synchronously.
 */
export interface SettledListener {
  /** Settled changes of all tenants, in order, each once. */
  readonly onChanges: (changes: readonly Change[]) => void;
  /** Some changes may be missing, because the log was trimmed before they were read. Read the current state again. */
  readonly onGap?: () => void;
}

/** Calls the listener with the changes of these tables from now on, of all tenants. Returns a function that stops it. */
export async function onSettledChanges(
  feed: Feed,
  tableNames: readonly string[],
  listener: SettledListener,
  closing: AbortSignal,
): Promise<() => void> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, closing]);
  const tables = tableNames.map((name) => fedTable(feed.internals, name));
  const { sequence: from, generation } = await startPlace(feed, 'now');
  const view = { tables, operations: OPERATIONS, scope: undefined, generation };
  const run = async () => {
    for await (const { changes, isReset } of follow(feed, view, from, signal)) {
      if (signal.aborted) return;
      if (isReset) listener.onGap?.();
      if (changes.length > 0) listener.onChanges(changes.map(({ change }) => change));
    }
  };
  void run().catch((error) =>
    feed.logger.error({ err: error }, 'a listener of settled changes failed, and receives no more changes'),
  );
  return () => stopping.abort();
}
