/**
 * Whether an expression that Postgres printed (pg_get_expr, pg_get_constraintdef) is the one we wrote. Ours are laid out
 * with all parentheses that Postgres prints, so only casts to text, column aliases, blanks and capitals differ. Literals
 * and quoted names are compared as they are. If a version of Postgres printed otherwise, the object would be made anew
 * at each register, which does no harm.
 */
export const sameExpression = (stored: string | null, wanted: string | null): boolean =>
  stored === null || wanted === null ? stored === wanted : normalized(stored) === normalized(wanted);

const LITERAL_OR_QUOTED_NAME = /('(?:[^']|'')*'|"(?:[^"]|"")*")/;

const normalized = (expression: string): string =>
  expression
    .split(LITERAL_OR_QUOTED_NAME)
    .map((part, index) => (index % 2 === 1 ? part : plain(part)))
    .join('');

const plain = (part: string): string =>
  part.toLowerCase().replaceAll('::text', '').replaceAll(' as current_setting', '').replaceAll(/\s/g, '');
