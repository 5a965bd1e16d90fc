/**
 * Whether an expression that Postgres printed (pg_get_expr, pg_get_constraintdef) is the one that we wrote. Ours are
 * written with all the parentheses that Postgres prints, so only casts to text, column aliases, spaces and letter case
 * differ. Literals and quoted names are compared exactly. If a version of Postgres printed an expression differently,
 * the object would be replaced at each register, which is harmless.
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
