import { QuickstartError } from './quickstart-error.ts';

const TIMEOUT_MS = 60_000;

/** Stores the events that a process reports, in order. */
export class Witness {
  readonly #seen = new Map<string, string[]>();
  readonly #waiting = new Set<() => void>();

  readonly hear = (subject: string, what: string): void => {
    this.#seen.set(subject, [...this.about(subject), what]);
    for (const look of this.#waiting) look();
  };

  about(subject: string): readonly string[] {
    return this.#seen.get(subject) ?? [];
  }

  /** Resolves when the event has been reported, now or earlier. */
  untilSaw(subject: string, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        end();
      };
      const look = () => {
        if (this.about(subject).includes(what)) settle(resolve);
      };
      const giveUp = () => reject(new QuickstartError(`Nobody saw ${subject} become ${what} in time.`));
      const timer = setTimeout(() => settle(giveUp), TIMEOUT_MS);
      this.#waiting.add(look);
      look();
    });
  }
}
