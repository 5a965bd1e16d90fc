import { setTimeout as delay } from 'node:timers/promises';
import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { type LogView, type NumberedChange, PAGE_SIZE, readLog } from '../log/read-log.ts';
import type { Horizon } from './horizon.ts';

const RETRY_MS = 500;

/** What following takes: shared by all subscribers of a process. */
export interface Feed {
  readonly internals: DataStoreInternals;
  readonly logId: string;
  readonly horizon: Horizon;
  readonly logger: Logger;
}

/** One step forward: the changes found, and the place up to which there are no others. */
export interface Step {
  readonly changes: readonly NumberedChange[];
  readonly through: number;
  /** The log no longer reached back to where this step began: changes are missing before it. */
  readonly isReset: boolean;
}

/** A rare table's changes are sought further at a time. */
const MOST_NUMBERS = 1_000_000;

/**
 * A read covers a range of numbers, not just a count of rows: without it the planner may sort all that is left of the
 * log for each page. The range grows where it holds few changes of the view.
 */
const nextWindow = (window: number, found: number): number =>
  found > PAGE_SIZE / 2 ? PAGE_SIZE : Math.min(window * 2, MOST_NUMBERS);

const TRIMMED = 'select trimmed_seq::text as trimmed from intendant.change_log_identity';

/**
 * The settled changes beyond `from`, page by page, for ever. The next page is read when the last one was taken care of,
 * so a slow taker holds one page. A lost connection is waited out.
 */
export async function* follow(feed: Feed, view: LogView, from: number, signal: AbortSignal): AsyncGenerator<Step> {
  let position = from;
  let window = PAGE_SIZE;
  while (!signal.aborted) {
    await feed.horizon.beyond(position, signal);
    if (signal.aborted) return;
    const step = await attempt(feed, view, position, window, signal);
    if (!step) continue;
    position = step.through;
    window = nextWindow(window, step.changes.length);
    yield step;
  }
}

let lastWarned = 0;

async function attempt(
  feed: Feed,
  view: LogView,
  position: number,
  window: number,
  signal: AbortSignal,
): Promise<Step | undefined> {
  try {
    return await take(feed, view, position, window);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (performance.now() - lastWarned > 10_000) {
      lastWarned = performance.now();
      feed.logger.warn({ reason: (error as Error).message }, 'the change log cannot be read, and is tried again');
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    return undefined;
  }
}

/** What was trimmed is asked after the page was read: a partition dropped in between would otherwise go unnoticed. */
async function take(feed: Feed, view: LogView, position: number, window: number): Promise<Step> {
  const until = Math.min(feed.horizon.settled, position + window);
  const changes = await readLog(feed.internals, feed.logId, view, position, until);
  const { rows } = await feed.internals.pool.query<{ trimmed: string }>(TRIMMED);
  const through = changes.length < PAGE_SIZE ? until : (changes.at(-1) as NumberedChange).sequence;
  return { changes, through, isReset: Number(rows[0]?.trimmed) > position };
}
