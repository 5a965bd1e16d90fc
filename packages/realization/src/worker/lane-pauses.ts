const SHORTEST_MS = 100;
const LONGEST_MS = 5_000;

interface Pause {
  readonly failures: number;
  readonly endsAt: number;
}

/** Pauses a lane after a failure, longer each time, so that the other lanes continue. */
export class LanePauses<Lane> {
  readonly #pauses = new Map<Lane, Pause>();

  isPaused(lane: Lane): boolean {
    return (this.#pauses.get(lane)?.endsAt ?? 0) > performance.now();
  }

  /** Returns how long it is paused, and whether this is its first failure in a row. */
  failed(lane: Lane): { readonly pauseMs: number; readonly isFirst: boolean } {
    const failures = this.#pauses.get(lane)?.failures ?? 0;
    const pauseMs = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** failures);
    this.#pauses.set(lane, { failures: failures + 1, endsAt: performance.now() + pauseMs });
    return { pauseMs, isFirst: failures === 0 };
  }

  /** Returns whether the lane had failed before. */
  succeeded(lane: Lane): boolean {
    return this.#pauses.delete(lane);
  }

  /** Milliseconds until the next pause ends; Infinity if no lane is paused. */
  remainingMs(): number {
    const ends = [...this.#pauses.values()]
      .map(({ endsAt }) => endsAt - performance.now())
      .filter((remaining) => remaining > 0);
    return Math.min(...ends);
  }
}
