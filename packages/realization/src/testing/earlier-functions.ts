import { readFileSync } from 'node:fs';

/** The functions that the code of git 7c31713 created, by signature, with the names of their parameters and results. */
export const EARLIER_FUNCTIONS = JSON.parse(
  readFileSync(new URL('./functions-7c31713.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>;
