import { ConfigurationError } from '../error/intendant-error.ts';
import { shown } from './check-duration.ts';

/** The names of an options type, each once: the compiler refuses a name that is missing, or that does not exist. */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: true };

/**
 * Refuses options that do not exist, and what is no object of options. Not given is fine.
 *
 * Throws ConfigurationError that names the option, where it was given, and the one that was probably meant.
 */
export function checkOptions<Options>(door: string, options: Options | undefined, names: OptionNames<Options>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(`${door}: options are given as an object, not as ${asGiven(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !Object.hasOwn(names, name)) throw unknownOption(door, name, Object.keys(names));
  }
}

const asGiven = (value: unknown): string => (Array.isArray(value) ? 'an array' : shown(value));

function unknownOption(door: string, name: string, known: readonly string[]): ConfigurationError {
  const meant = known.find((candidate) => isAlike(candidate, name));
  const hint = meant ? `did you mean ${meant}?` : `there are: ${known.join(', ')}`;
  return new ConfigurationError(`${door}: there is no option ${JSON.stringify(name)}; ${hint}`, {
    details: { option: name },
  });
}

/** Differs by case, or by one character or its end: `enforcementpoints`, `limits`, `order`. */
function isAlike(known: string, given: string): boolean {
  const left = known.toLowerCase();
  const right = given.toLowerCase();
  return left.startsWith(right) || right.startsWith(left) || differByOne(left, right);
}

function differByOne(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  return [...left].filter((character, index) => character !== right[index]).length === 1;
}
