/** The most notices that are kept. After that the oldest is dropped; the relay's next announcement covers its change. */
const MAX_NOTICES = 512;

/** The range of numbers that a writer's notice covers: beyond `after`, up to `settled`. Its changes are committed. */
interface NumberRange {
  readonly after: number;
  readonly settled: number;
}

/** Keeps notices that arrived before those of smaller numbers: a writer may take its number first and commit last. */
export class EarlyNotices<T extends NumberRange> {
  readonly #byPlace = new Map<number, T>();

  get size(): number {
    return this.#byPlace.size;
  }

  keep(notice: T): void {
    const [oldest] = this.#byPlace.keys();
    if (this.#byPlace.size >= MAX_NOTICES && oldest !== undefined) this.#byPlace.delete(oldest);
    this.#byPlace.set(notice.after, notice);
  }

  /** Returns and removes the notice that begins at this place. */
  takeAt(place: number): T | undefined {
    if (this.#byPlace.size === 0) return undefined;
    const next = this.#byPlace.get(place);
    this.#byPlace.delete(place);
    return next;
  }

  /** Removes notices up to this number, which is settled. */
  forget(settled: number): void {
    for (const [place, notice] of this.#byPlace) if (notice.settled <= settled) this.#byPlace.delete(place);
  }

  clear(): void {
    this.#byPlace.clear();
  }
}
