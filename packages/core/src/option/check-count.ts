import { ConfigurationError } from '../error/intendant-error.ts';
import { shown } from './check-duration.ts';

export interface CountRange {
  /** Default 1. */
  readonly min?: number;
  /** Default no limit. */
  readonly max?: number;
  /** Whether Infinity is accepted and means no limit. Default false. */
  readonly allowInfinity?: boolean;
}

/**
 * Returns the value if it is a whole number within the range: a concurrency, a batch size, a number of attempts.
 *
 * Throws ConfigurationError that names the option.
 */
export function checkCount(name: string, value: unknown, range: CountRange = {}): number {
  const { min = 1, max = Number.POSITIVE_INFINITY, allowInfinity = false } = range;
  const isAllowed = value === Number.POSITIVE_INFINITY ? allowInfinity : Number.isSafeInteger(value);
  if (typeof value === 'number' && isAllowed && value >= min && value <= max) return value;
  throw new ConfigurationError(`${name}: expected ${described(min, max, allowInfinity)}, not ${shown(value)}`, {
    details: { option: name },
  });
}

function described(min: number, max: number, allowInfinity: boolean): string {
  const upTo = max === Number.POSITIVE_INFINITY ? '' : ` and at most ${max.toLocaleString('en')}`;
  return `a whole number of at least ${min.toLocaleString('en')}${upTo}${allowInfinity ? ', or Infinity' : ''}`;
}
