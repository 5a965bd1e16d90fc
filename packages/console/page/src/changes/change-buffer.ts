import type { Change } from '../api/model.ts';

/** Number of changes that are kept, so that the memory of the page stays constant. */
const MAX_KEPT = 1_000;

/** The latest changes. While it is paused, new changes are collected and not shown. */
export class ChangeBuffer {
  #kept: Change[] = [];
  #behind: Change[] = [];
  #isPaused = false;
  seen = 0;

  get size(): number {
    return this.#kept.length;
  }

  /** Number of changes that are not shown yet. */
  get waiting(): number {
    return this.#behind.length;
  }

  add(change: Change): void {
    this.seen += 1;
    const target = this.#isPaused ? this.#behind : this.#kept;
    target.push(change);
    if (target.length > 2 * MAX_KEPT) target.splice(0, target.length - MAX_KEPT);
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) return;
    this.#kept = [...this.#kept, ...this.#behind].slice(-MAX_KEPT);
    this.#behind = [];
  }

  newestFirst(isShown: (change: Change) => boolean): Change[] {
    return this.#kept.slice(-MAX_KEPT).filter(isShown).reverse();
  }
}
