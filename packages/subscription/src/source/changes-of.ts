import type { Change } from '../change.ts';
import type { LogView } from '../log/read-log.ts';
import type { Feed } from './feed.ts';
import { follow } from './follow.ts';

interface LoopOptions {
  readonly onReset?: () => unknown;
  readonly signal?: AbortSignal;
}

/** Yields changes one by one, until the loop is left or a signal aborts. Throws what `begin` and `onReset` throw. */
export async function* changesOf(
  feed: () => Feed,
  begin: () => Promise<{ view: LogView; from: number }>,
  { onReset, signal: given }: LoopOptions,
  signal: AbortSignal,
): AsyncGenerator<Change, void, undefined> {
  if (given?.aborted) return;
  const { view, from } = await begin();
  for await (const { changes, isReset } of follow(feed(), view, from, signal)) {
    if (isReset && onReset) await onReset();
    else if (isReset) feed().logger.warn('changes are missing before the next one, and the loop has no onReset');
    for (const { change } of changes) {
      if (signal.aborted) return;
      yield change;
    }
  }
}
