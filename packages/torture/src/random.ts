/** Random choices that a seed makes repeatable. */
export interface Random {
  /** At least 0 and less than 1. */
  next(): number;
  /** A whole number, at least 0 and less than the limit. */
  below(limit: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
  /** A number, at least `low` and less than `high`. It is not rounded. */
  between(low: number, high: number): number;
  /** The items in a random order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** Returns a source of random choices. The same seed and name give the same choices. */
export function randomFrom(seed: number, name = ''): Random {
  const next = mulberry32(hash(`${seed} ${name}`));
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    between: (low, high) => low + next() * (high - low),
    shuffled: (items) =>
      items
        .map((item) => ({ item, place: next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ item }) => item),
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) as number), 0x01000193);
  return value >>> 0;
}

/** https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
