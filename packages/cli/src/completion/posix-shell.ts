import { type CommandWords, placeOf } from './command-tree.ts';

/** The text as one word of bash and zsh. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The branches of a `case "$place $word"` that follow the words before the cursor to the longest command. */
export const placeBranches = (commands: readonly CommandWords[]): string =>
  commands
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      ${quote(placeOf(path))}) place="$place $word" ;;`)
    .join('\n');
