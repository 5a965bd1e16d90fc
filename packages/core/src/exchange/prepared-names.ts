/** Prefix of the names of prepared statements. */
export const PREPARED_PREFIX = 'intendant_';

/** The prepared statements of one connection, with their names. */
export class PreparedNames {
  readonly #held = new Set<string>();
  readonly #uncertain = new Set<string>();

  /** Each text gets a short number as its name, because Postgres cuts names at 63 bytes. */
  nameOf(text: string, planScope: string | undefined): string {
    let scopes = numbers.get(text);
    if (scopes === undefined) {
      scopes = new Map();
      numbers.set(text, scopes);
    }
    let name = scopes.get(planScope);
    if (name === undefined) {
      name = PREPARED_PREFIX + (count++).toString(36);
      scopes.set(planScope, name);
    }
    return name;
  }

  get count(): number {
    return this.#held.size;
  }

  has(name: string): boolean {
    return this.#held.has(name);
  }

  isUncertain(name: string): boolean {
    return this.#uncertain.has(name);
  }

  add(name: string): void {
    this.#held.add(name);
    this.#uncertain.delete(name);
  }

  markUncertain(name: string): void {
    this.#held.delete(name);
    this.#uncertain.add(name);
  }

  markAllUncertain(): void {
    for (const name of this.#held) this.markUncertain(name);
  }
}

/** The names of all texts, for the whole process. Only statements of fixed shape are named, so this stays small. */
const numbers = new Map<string, Map<string | undefined, string>>();
let count = 0;
const byConnection = new WeakMap<object, PreparedNames>();

export function preparedNamesOf(connection: object): PreparedNames {
  const known = byConnection.get(connection);
  if (known) return known;
  const names = new PreparedNames();
  byConnection.set(connection, names);
  return names;
}
