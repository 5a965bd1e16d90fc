const seconds = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const numbers = new Intl.NumberFormat('en');
const moments = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** `98,214` */
export const printNumber = (value: number): string => numbers.format(value);

/** The exact time, in the user's time zone. */
export const printMoment = (iso: string): string => moments.format(new Date(iso));

export const printClock = (iso: string): string => clock.format(new Date(iso));

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `41 min`: one unit, rounded down. */
export function printAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** `1.8 s` or `240 ms` */
export function printLatency(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${seconds.format(ms / 1_000)} s` : printAge(ms);
}

/** `in progress` */
export const printStatus = (status: string): string => status.toLowerCase().replaceAll('_', ' ');

/** A value of a record. */
export const printField = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '–' : JSON.stringify(value);

export const plural = (count: number, noun: string): string => `${printNumber(count)} ${noun}${count === 1 ? '' : 's'}`;
