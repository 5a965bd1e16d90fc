import { IntendantError } from '@intendant/core';
import { translateError } from '@intendant/core/internal';
import { printable } from '../output/printable.ts';
import { CommandError } from './command-error.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

export interface Explanation {
  /** One line: what went wrong, and what to do. */
  readonly line: string;
  readonly exitCode: ExitCode;
}

/** Explains in one line why a command failed. Never shows a connection string. */
export function explainError(error: unknown): Explanation {
  if (error instanceof CommandError) return { line: printable(error.message), exitCode: error.exitCode };
  if (error instanceof Error && NO_PASSWORD.test(error.message))
    return { line: ASKS_FOR_PASSWORD, exitCode: EXIT.wrongUse };
  const known = asKnownError(error);
  if (known === undefined)
    return { line: `${printable(textOf(error))}; set INTENDANT_DEBUG=1 to see where`, exitCode: EXIT.failed };
  return { line: printable(`${withoutOperation(known.message)}${cureOf(known)}`), exitCode: exitCodeOf(known) };
}

/** What pg says when the server asks for a password and none was given. */
const NO_PASSWORD = /client password must be a string/;
const ASKS_FOR_PASSWORD =
  'the database asks for a password, and none was given: put it in --url or DATABASE_URL, or in PGPASSWORD';

function asKnownError(error: unknown): IntendantError | undefined {
  if (error instanceof IntendantError) return error;
  const translated = translateError(error, { operation: 'intendant' });
  return translated instanceof IntendantError ? translated : undefined;
}

function exitCodeOf({ code }: IntendantError): ExitCode {
  if (code === 'RECORD_NOT_FOUND') return EXIT.nothingFound;
  return code === 'CONFIGURATION' || code === 'INVALID_RECORD' ? EXIT.wrongUse : EXIT.failed;
}

/** The database does not exist, or the user name or password is wrong. */
const REFUSED_LOGIN = new Set(['3D000', '28P01', '28000']);
const NAMES_OF_URLS = '--url or DATABASE_URL, and --admin-url or ADMIN_DATABASE_URL';

/** An undefined table, column or function. */
const MISSING_OBJECT = new Set(['42P01', '42703', '42883']);

function cureOf({ code, details }: IntendantError): string {
  if (code === 'CONNECTION') return '; check that the database runs and that --url or DATABASE_URL names it';
  if (REFUSED_LOGIN.has(String(details['sqlState']))) return `; check ${NAMES_OF_URLS}`;
  if (MISSING_OBJECT.has(String(details['sqlState'])) || code === 'TABLE_NOT_REGISTERED')
    return '; the schema was not applied yet, or was applied by an older version: run "intendant schema --apply"';
  return '';
}

/** Removes the prefix `createDataStore: …` and the advice to retry, which only help programmers. */
const withoutOperation = (message: string): string =>
  message.replace(/; retry$/, '').replace(/^(?:intendant|createDataStore|createSubscriptions|register): /, '');

function textOf(error: unknown): string {
  if (error instanceof Error) return error.message || (error as NodeJS.ErrnoException).code || error.name;
  return String(error);
}
