/** The middle one of the values; of an even number, the upper one. Undefined for none. */
export const median = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
