/** Beyond this the oldest is dropped: the relay's next announcement covers it. */
const MOST_NOTICES = 512;

/** What a writer's notice says: its changes are those beyond `after`, up to `settled`, and they are committed. */
interface Stretch {
  readonly after: number;
  readonly settled: number;
}

/** Notices of writers that came before those of smaller numbers: a writer may take its number first and commit last. */
export class EarlyNotices<T extends Stretch> {
  readonly #byPlace = new Map<number, T>();

  get size(): number {
    return this.#byPlace.size;
  }

  keep(notice: T): void {
    const [oldest] = this.#byPlace.keys();
    if (this.#byPlace.size >= MOST_NOTICES && oldest !== undefined) this.#byPlace.delete(oldest);
    this.#byPlace.set(notice.after, notice);
  }

  /** The notice that follows on this place, which is then no longer kept. */
  takeAt(place: number): T | undefined {
    if (this.#byPlace.size === 0) return undefined;
    const next = this.#byPlace.get(place);
    this.#byPlace.delete(place);
    return next;
  }

  /** Forgets what says no more than that the log is settled up to here. */
  forget(settled: number): void {
    for (const [place, notice] of this.#byPlace) if (notice.settled <= settled) this.#byPlace.delete(place);
  }

  clear(): void {
    this.#byPlace.clear();
  }
}
