import { ConfigurationError } from '../error/intendant-error.ts';

export interface DurationRange {
  /** The shortest accepted duration, in milliseconds. Default 1. */
  readonly min?: number;
  /** The longest accepted duration, in milliseconds. Default no limit. */
  readonly max?: number;
  /** Whether Infinity is accepted and means no limit. Default false. */
  readonly allowInfinity?: boolean;
}

/**
 * Returns the value if it is a duration in milliseconds within the range. All options that are durations are checked
 * here.
 *
 * Throws ConfigurationError that names the option, for a value that is not a number, and for NaN, 0, negative numbers
 * and numbers out of range.
 */
export function checkDuration(name: string, value: unknown, range: DurationRange = {}): number {
  const { min = 1, max = Number.POSITIVE_INFINITY, allowInfinity = false } = range;
  const isAllowed = value === Number.POSITIVE_INFINITY ? allowInfinity : Number.isFinite(value);
  if (typeof value === 'number' && isAllowed && value >= min && value <= max) return value;
  throw new ConfigurationError(`${name}: expected ${described(min, max, allowInfinity)}, not ${shown(value)}`, {
    details: { option: name },
  });
}

function described(min: number, max: number, allowInfinity: boolean): string {
  const upTo = max === Number.POSITIVE_INFINITY ? '' : ` and at most ${max.toLocaleString('en')}`;
  const orNone = allowInfinity ? ', or Infinity for no limit' : '';
  return `a number of milliseconds of at least ${min.toLocaleString('en')}${upTo}${orNone}`;
}

/** A value for an error message: numbers and short strings as they are, otherwise only the type. */
export const shown = (value: unknown): string => {
  if (typeof value === 'number' || typeof value === 'bigint' || value === null) return String(value);
  if (typeof value === 'string' && value.length <= 40) return JSON.stringify(value);
  return value === undefined ? 'undefined' : `a value of type ${typeof value}`;
};
