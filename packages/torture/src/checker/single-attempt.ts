import type { AttemptEvent, HistoryEvent, ProcessEvent } from '../history/history-event.ts';
import { type Checker, eventsOf, rowKey } from './checker.ts';

/** A process that continues after a pause needs a moment to learn that its lease has expired. */
const RESUME_GRACE_MS = 1_500;
/** On a busy machine a process may abort its attempt late. */
const LATE_ABORT_MS = 500;

/**
 * One resource at one point has one attempt at a time, over all processes. An attempt has ended when its handler has
 * returned, when its signal was aborted (the handler was told that the lease is lost), or when its process was killed.
 * A stopped process (SIGSTOP) does nothing, and gets a moment to abort after it continues.
 */
export const singleAttempt: Checker = {
  rule: 'at most one attempt at a time for a resource at a point',
  spansFailovers: true,
  *check(history) {
    const attempts = new RunningAttempts(abortTimes(history));
    for (const event of history) {
      if (event.kind === 'process') attempts.note(event);
      const other = event.kind === 'attempt' ? attempts.follow(event) : undefined;
      if (event.kind === 'attempt' && other)
        yield {
          at: event.at,
          text: `${placeOf(event)}: ${event.call} (process ${event.pid}) began while ${other.call} (process ${other.pid}) ran since ${(event.at - other.at).toFixed(0)} ms`,
        };
    }
  },
};

const abortTimes = (history: readonly HistoryEvent[]): Map<string, number> =>
  new Map(
    eventsOf(history, 'attempt')
      .filter(({ phase }) => phase === 'aborted')
      .map(({ call, at }) => [call, at]),
  );

const placeOf = (attempt: AttemptEvent): string => `${rowKey(attempt)} at ${attempt.point}`;

/** The running attempts, as the history proceeds. */
class RunningAttempts {
  readonly #running = new Map<string, Map<string, AttemptEvent>>();
  readonly #stopped = new Set<number>();
  readonly #resumedAt = new Map<number, number>();
  readonly #abortedAt: ReadonlyMap<string, number>;

  constructor(abortedAt: ReadonlyMap<string, number>) {
    this.#abortedAt = abortedAt;
  }

  note({ phase, target, at }: ProcessEvent): void {
    if (phase === 'stopped') this.#stopped.add(target);
    if (phase === 'continued') this.#resumedAt.set(target, at);
    if (phase !== 'stopped') this.#stopped.delete(target);
    if (phase === 'killed' || phase === 'died') this.#endAllOf(target);
  }

  /** Returns an attempt that must not be running now. */
  follow(event: AttemptEvent): AttemptEvent | undefined {
    const place = placeOf(event);
    const running = this.#running.get(place) ?? new Map<string, AttemptEvent>();
    this.#running.set(place, running);
    if (event.phase !== 'invoke') {
      running.delete(event.call);
      return undefined;
    }
    const other = [...running.values()].find((attempt) => !this.#mayOverlap(attempt, event.at));
    running.set(event.call, event);
    return other;
  }

  #mayOverlap({ pid, call }: AttemptEvent, at: number): boolean {
    if ((this.#abortedAt.get(call) ?? Number.POSITIVE_INFINITY) < at + LATE_ABORT_MS) return true;
    return this.#stopped.has(pid) || at - (this.#resumedAt.get(pid) ?? Number.NEGATIVE_INFINITY) < RESUME_GRACE_MS;
  }

  #endAllOf(pid: number): void {
    for (const running of this.#running.values())
      for (const attempt of running.values()) if (attempt.pid === pid) running.delete(attempt.call);
  }
}
