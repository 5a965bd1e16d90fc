import type { Access } from '../caller/access.ts';

const REMEMBERED_MS = 2_000;
const MAX_ENTRIES = 1_000;

/**
 * Answers that are costly and may be a moment old, by what was asked and by what the caller may see. Callers who ask at
 * the same time share one query.
 */
export class Remembered {
  readonly #answers = new Map<string, { readonly answer: Promise<unknown>; readonly expiresAt: number }>();

  read<T>(question: string, { tables }: Access, ask: () => Promise<T>): Promise<T> {
    const key = JSON.stringify([
      question,
      ...tables.map(({ name, scope }) => [name, scope.role, scope.orgId, scope.instanceId]),
    ]);
    const known = this.#answers.get(key);
    if (known && known.expiresAt > Date.now()) return known.answer as Promise<T>;
    const answer = ask();
    this.#answers.delete(key);
    this.#answers.set(key, { answer, expiresAt: Date.now() + REMEMBERED_MS });
    answer.catch(() => this.#answers.delete(key));
    this.#forgetOldest();
    return answer;
  }

  #forgetOldest(): void {
    const oldest = this.#answers.keys().next().value;
    if (this.#answers.size > MAX_ENTRIES && oldest !== undefined) this.#answers.delete(oldest);
  }
}
