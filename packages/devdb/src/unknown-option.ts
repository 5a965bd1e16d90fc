import { failure } from './dev-database-error.ts';

/** Throws DevDatabaseError that names the first option that does not exist. Undefined options are ignored. */
export function refuseUnknownOptions(caller: string, options: object, known: readonly string[]): void {
  const unknown = Object.entries(options).find(([name, value]) => value !== undefined && !known.includes(name));
  if (unknown === undefined) return;
  const problem = `${caller}: there is no option ${JSON.stringify(unknown[0])}; there are: ${known.join(', ')}`;
  throw failure('INVALID_OPTION', problem);
}
