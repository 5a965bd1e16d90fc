import { ConfigurationError } from '../error/intendant-error.ts';
import { shown } from './check-duration.ts';

/** What an option's value must be. */
export type OptionKind = 'function' | 'boolean' | 'number' | 'list' | 'object';

/**
 * All names of an options type, each with the kind of its value; `true`: the function checks the value itself. The
 * compiler reports a missing name and a name that does not exist.
 */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: OptionKind | true };

/**
 * Refuses unknown options, values of another kind than `names` says, and options that are not an object. Undefined is
 * accepted, null is not.
 *
 * Throws ConfigurationError that names the option, the function it was passed to, and the option probably meant.
 */
export function checkOptions<Options>(caller: string, options: Options | undefined, names: OptionNames<Options>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(`${caller}: options must be an object, not ${describeGiven(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(names, name)) throw unknownOption(caller, name, Object.keys(names));
    checkKind(caller, name, value, names[name as keyof Options]);
    if (name === 'signal' && !isAbortSignal(value))
      throw new ConfigurationError(`${caller}: signal must be an AbortSignal, not ${describeGiven(value)}`);
  }
}

const KINDS: Readonly<Record<OptionKind, { readonly noun: string; readonly includes: (value: unknown) => boolean }>> = {
  function: { noun: 'a function', includes: (value) => typeof value === 'function' },
  boolean: { noun: 'true or false', includes: (value) => typeof value === 'boolean' },
  number: { noun: 'a number', includes: (value) => typeof value === 'number' },
  list: { noun: 'a list', includes: (value) => Array.isArray(value) },
  object: {
    noun: 'an object',
    includes: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  },
};

function checkKind(caller: string, name: string, value: unknown, kind: OptionKind | true): void {
  if (kind === true || KINDS[kind].includes(value)) return;
  throw new ConfigurationError(`${caller}: ${name} must be ${KINDS[kind].noun}, not ${describeGiven(value)}`, {
    details: { option: name },
  });
}

/** By its members, because another realm, and a library's own implementation, have another class. */
const isAbortSignal = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;

const describeGiven = (value: unknown): string => (Array.isArray(value) ? 'an array' : shown(value));

function unknownOption(caller: string, name: string, known: readonly string[]): ConfigurationError {
  const meant = known.find((candidate) => isAlike(candidate, name));
  const hint = meant ? `did you mean ${meant}?` : `there are: ${known.join(', ')}`;
  return new ConfigurationError(`${caller}: there is no option ${JSON.stringify(name)}; ${hint}`, {
    details: { option: name },
  });
}

/** Whether two names differ only in case, in one character or in the ending: `enforcementpoints`, `limits`, `order`. */
function isAlike(known: string, given: string): boolean {
  const left = known.toLowerCase();
  const right = given.toLowerCase();
  return left.startsWith(right) || right.startsWith(left) || differByOne(left, right);
}

function differByOne(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  return [...left].filter((character, index) => character !== right[index]).length === 1;
}
