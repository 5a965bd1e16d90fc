const MAX_SUGGESTIONS = 3;

/** Returns the names with the smallest difference in spelling, if it is small: at most three. */
export function nearSpellings(given: string, names: readonly string[]): string[] {
  const limit = given.length < 4 ? 1 : 2;
  return names
    .map((name) => ({ name, distance: distanceOf(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }, _, all) => distance <= Math.min(limit, ...all.map((other) => other.distance)))
    .slice(0, MAX_SUGGESTIONS)
    .map(({ name }) => name);
}

/** Number of characters that must be added, left out, replaced, or swapped with their neighbour (optimal string alignment). */
function distanceOf(left: string, right: string): number {
  const rows = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= left.length; row++) rows.push(nextRow(left, right, rows));
  return rows.at(-1)?.at(-1) as number;
}

function nextRow(left: string, right: string, rows: readonly number[][]): number[] {
  const row = rows.length;
  const [above, twoAbove] = [rows[row - 1] as number[], rows[row - 2]];
  const next = [row];
  for (let column = 1; column <= right.length; column++) {
    const isSame = left[row - 1] === right[column - 1];
    const isSwapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
    next.push(
      Math.min(
        (above[column] as number) + 1,
        (next[column - 1] as number) + 1,
        (above[column - 1] as number) + (isSame ? 0 : 1),
        isSwapped && twoAbove ? (twoAbove[column - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      ),
    );
  }
  return next;
}
