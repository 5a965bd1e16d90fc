import { InvalidArgumentError } from 'commander';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `250ms`, `30s`, `10m`, `2h` or `7d`. */
export function readDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Give a number and a unit, such as 30s, 10m, 2h or 7d.');
  return Number(amount) * (UNITS_MS[unit as string] as number);
}

/** A whole number above zero. */
export function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number above zero.');
  return count;
}

/** A port to listen on; 0: a free one. */
export function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('Give a port, 0 to 65535.');
  return port;
}
