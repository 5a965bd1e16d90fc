import type { Change } from '../change.ts';
import type { LogView } from '../log/read-log.ts';
import type { Feed } from './feed.ts';
import { follow } from './follow.ts';

/** Changes one by one, until the loop is left or the signal aborts. */
export async function* changesOf(
  feed: () => Feed,
  begin: () => Promise<{ view: LogView; from: number }>,
  onReset: (() => unknown) | undefined,
  signal: AbortSignal,
): AsyncGenerator<Change, void, undefined> {
  if (signal.aborted) return;
  const { view, from } = await begin();
  for await (const { changes, isReset } of follow(feed(), view, from, signal)) {
    if (isReset && onReset) await onReset();
    else if (isReset) feed().logger.warn('changes are missing: the log no longer reached back to where a loop stood');
    for (const { change } of changes) {
      if (signal.aborted) return;
      yield change;
    }
  }
}
