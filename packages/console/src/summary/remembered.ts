import type { Access } from '../caller/access.ts';

const MAX_ENTRIES = 1_000;

/**
 * A cache for costly results that may be slightly old, by request and by what the caller may see. Simultaneous callers
 * share one query.
 */
export class Remembered {
  readonly #lifetimeMs: number;
  readonly #answers = new Map<string, { readonly answer: Promise<unknown>; readonly expiresAt: number }>();

  /** How old a result may be, in milliseconds. */
  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  read<T>(question: string, { tables }: Access, ask: () => Promise<T>): Promise<T> {
    const key = JSON.stringify([
      question,
      ...tables.map(({ name, scope }) => [name, scope.role, scope.orgId, scope.instanceId]),
    ]);
    const known = this.#answers.get(key);
    if (known && known.expiresAt > Date.now()) return known.answer as Promise<T>;
    const answer = ask();
    this.#answers.delete(key);
    this.#answers.set(key, { answer, expiresAt: Date.now() + this.#lifetimeMs });
    answer.catch(() => this.#answers.delete(key));
    this.#forgetOldest();
    return answer;
  }

  #forgetOldest(): void {
    const oldest = this.#answers.keys().next().value;
    if (this.#answers.size > MAX_ENTRIES && oldest !== undefined) this.#answers.delete(oldest);
  }
}
