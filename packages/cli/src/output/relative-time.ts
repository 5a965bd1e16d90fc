const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** How long ago, in the largest unit that fits: `12m`, `3d`. Empty for no date. */
export function ago(date: Date | null | undefined, now: number = Date.now()): string {
  if (!date) return '';
  const passedMs = now - date.getTime();
  const [unit, unitMs] = UNITS.find(([, ms]) => Math.abs(passedMs) >= ms) ?? ['s', 1000];
  return `${Math.trunc(passedMs / unitMs)}${unit}`;
}
