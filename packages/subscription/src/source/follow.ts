import { setTimeout as delay } from 'node:timers/promises';
import type { ConfigurationError } from '@intendant/core';
import { feedEnded, isFed } from '../log/feed-end.ts';
import type { NumberedChange } from '../log/log-entry.ts';
import { type LogView, PAGE_SIZE, readLog } from '../log/read-log.ts';
import { slotOf } from '../log/slot.ts';
import type { Feed } from './feed.ts';
import type { Horizon } from './horizon.ts';
import { PageSize } from './page-size.ts';
import type { TailRange } from './tail.ts';
import { mayBeVisible } from './visibility.ts';

const RETRY_MS = 500;

/** One step forward: the changes found, and the place up to which there are no others. */
export interface Step {
  readonly changes: readonly NumberedChange[];
  readonly through: number;
  /**
   * Changes are missing: the log was trimmed beyond the start of this step, it is another log, or some changes of this
   * step cannot be decoded.
   */
  readonly isReset: boolean;
  /** Given if the log was replaced: the generation of the horizon from this step on. */
  readonly generation?: number;
  /** Given if changes of a table are missing from here on: the table was taken out of the feed, perhaps only for a time. */
  readonly feedEnd?: NumberedChange;
}

/** For a table with few changes, the range of one read grows up to this many numbers. */
const MAX_NUMBERS = 1_000_000;

/**
 * A read covers a range of numbers, not only a number of rows; otherwise the planner may sort the whole rest of the log
 * for each page. The range grows while it contains few changes of the view.
 */
const nextWindow = (window: number, found: number, limit: number): number =>
  found > limit / 2 ? PAGE_SIZE : Math.min(window * 2, MAX_NUMBERS);

/**
 * Yields the settled changes beyond `from`, page by page, without end. The next page is read when the previous one was
 * accepted, so a slow subscriber holds one page. If the connection is lost, it waits until the log can be read again.
 * Throws ConfigurationError if the table was taken out of the feed.
 */
export async function* follow(feed: Feed, view: LogView, from: number, signal: AbortSignal): AsyncGenerator<Step> {
  const { horizon, tail } = feed;
  const follower = new Follower(feed, view);
  const leave = tail.join(view.tables);
  using waiter = horizon.openWaiter(signal);
  let position = from;
  let generation = view.generation ?? horizon.generation;
  try {
    while (!signal.aborted) {
      await waiter.beyond(position, generation);
      if (signal.aborted) return;
      const isReplaced = horizon.generation !== generation;
      const step = isReplaced
        ? afterReplacement(horizon)
        : (follower.stepFromTail(position) ?? (await attempt(feed, () => follower.step(position), signal)));
      if (signal.aborted) return;
      if (!step) continue;
      if (step.feedEnd) {
        const error = await attempt(feed, () => errorOfFeedEnd(feed, view, step), signal);
        if (error) throw error;
        if (error === undefined) continue;
      }
      if (isReplaced) ({ generation } = horizon);
      else if (horizon.generation !== generation) continue;
      position = step.through;
      yield step;
    }
  } finally {
    leave();
  }
}

const afterReplacement = ({ settled, generation }: Horizon): Step => ({
  changes: [],
  through: settled,
  isReset: true,
  generation,
});

/** Returns undefined, after a moment, if the log cannot be read now. */
async function attempt<T>({ health }: Feed, act: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    const result = await act();
    health.noteSuccess();
    return result;
  } catch (error) {
    if (signal.aborted) return undefined;
    health.noteFailure(error);
    await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    return undefined;
  }
}

/** Null if the table is in the feed again. */
async function errorOfFeedEnd(
  { internals, source }: Feed,
  { tables }: LogView,
  { feedEnd }: Step,
): Promise<ConfigurationError | null> {
  const table = tables.find(({ name }) => name === feedEnd?.change.table);
  if (!table || (await isFed(internals, source, table))) return null;
  return feedEnded(table.name, feedEnd?.change.position);
}

/** The changes before the first entry that ends a feed come first, and then the entry in a step of its own. */
function untilFeedEnd(step: Step): Step {
  const index = step.changes.findIndex(({ isFeedEnd }) => isFeedEnd);
  const feedEnd = step.changes[index];
  if (!feedEnd) return step;
  if (index > 0) return { ...step, changes: step.changes.slice(0, index), through: feedEnd.sequence - 1 };
  return { ...step, changes: [], through: feedEnd.sequence, isReset: true, feedEnd };
}

/** Reads what one view shows: from the tail that the process shares if that reaches far enough back, otherwise from the log. */
class Follower {
  readonly #feed: Feed;
  readonly #view: LogView;
  readonly #slots: ReadonlySet<number> | undefined;
  readonly #pageSize = new PageSize();
  #window = PAGE_SIZE;

  constructor(feed: Feed, view: LogView) {
    this.#feed = feed;
    this.#view = view;
    this.#slots = view.slots && new Set(view.slots);
  }

  /** A step that needs no read, and so no wait. */
  stepFromTail(position: number): Step | undefined {
    const held = this.#feed.tail.held(position);
    return held && this.#stepOf(held);
  }

  async step(position: number): Promise<Step> {
    const tail = await this.#feed.tail.after(position);
    if (!tail) return this.#readOwn(position, this.#feed.horizon.settled);
    return this.#stepOf(tail) ?? this.#readOwn(position, tail.through);
  }

  /** Undefined if the view may see some of the changes: the database decides which. */
  #stepOf({ changes: found, through }: TailRange): Step | undefined {
    const { scope } = this.#view;
    const changes = found.filter((numbered) => this.#isRequested(numbered));
    if (!scope) return this.#withoutUndecodable(untilFeedEnd({ changes, through, isReset: false }));
    const mayShowChange = changes.some((numbered) => mayBeVisible(scope, numbered));
    return mayShowChange ? undefined : { changes: [], through, isReset: false };
  }

  #isRequested(numbered: NumberedChange): boolean {
    const { tables, operations } = this.#view;
    const { change, identity } = numbered;
    if (!tables.some(({ name }) => name === change.table)) return false;
    if (numbered.isFeedEnd) return true;
    return (
      operations.includes(change.operation) &&
      (!this.#slots || this.#slots.has(slotOf(identity))) &&
      this.#matches(numbered)
    );
  }

  #matches(numbered: NumberedChange): boolean {
    return numbered.isFeedEnd || numbered.decodeError !== undefined || (this.#view.matches?.(numbered) ?? true);
  }

  /** Reading such a change again would fail each time, so it is skipped, and the subscriber is informed that it misses one. */
  #withoutUndecodable(step: Step): Step {
    const undecodable = step.changes.filter(({ decodeError }) => decodeError !== undefined);
    if (undecodable.length === 0) return step;
    const [first] = undecodable as [NumberedChange];
    // The error's message may hold values of the record, so only its name is logged.
    const reason = first.decodeError instanceof Error ? first.decodeError.name : typeof first.decodeError;
    const { table, position } = first.change;
    this.#feed.logger.error(
      { table, position, count: undecodable.length, reason },
      'the change log holds changes that cannot be decoded: they are skipped, and the subscriber is reset',
    );
    return { ...step, changes: step.changes.filter(({ decodeError }) => decodeError === undefined), isReset: true };
  }

  async #readOwn(after: number, settled: number): Promise<Step> {
    const { internals, horizon } = this.#feed;
    const { logId, timeline } = horizon;
    const until = Math.min(settled, after + this.#window);
    const { limit } = this.#pageSize;
    const page = await readLog(internals, { logId, timeline }, this.#view, { after, until, limit });
    this.#pageSize.learn(page);
    this.#window = nextWindow(this.#window, page.changes.length, limit);
    const through = page.changes.length < limit ? until : (page.changes.at(-1) as NumberedChange).sequence;
    // Nothing is left up to `trimmed`, even if less is known to be settled: one gap causes one reset.
    const changes = page.changes.filter((numbered) => this.#matches(numbered));
    const step = { changes, through: Math.max(through, page.trimmed), isReset: page.trimmed > after };
    return this.#withoutUndecodable(untilFeedEnd(step));
  }
}
