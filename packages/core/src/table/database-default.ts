import { ConfigurationError } from '../error/intendant-error.ts';
import type { Column } from './column.ts';

/** Words that are values or operators. Any other word must be a function that is called, or a type. */
const KEYWORDS = new Set([
  'current_timestamp',
  'current_date',
  'localtimestamp',
  'interval',
  'date',
  'timestamp',
  'timestamptz',
  'at',
  'time',
  'zone',
  'true',
  'false',
]);

const TOKEN =
  /\s+|'(?:[^'\\\0]|'')*'|(?:[a-z_][a-z0-9_]*|"(?:[^"\0]|"")+")(?:\.(?:[a-z_][a-z0-9_]*|"(?:[^"\0]|"")+"))*|\d+(?:\.\d+)?|::|\|\||[-+*/%(),[\]]/iy;

/**
 * Returns the columns with the defaults that the database computes. Throws ConfigurationError for a column that cannot
 * have one, and for text that is not a single expression of functions, literals, casts and arithmetic.
 */
export function withDatabaseDefaults(
  table: string,
  columns: readonly Column[],
  defaults: Readonly<Record<string, unknown>>,
): Column[] {
  for (const field of Object.keys(defaults)) {
    if (!columns.some((column) => column.field === field))
      throw new ConfigurationError(`table ${table}: column ${field} of defaults is not in the schema`);
  }
  return columns.map((column) => {
    if (!Object.hasOwn(defaults, column.field) || defaults[column.field] === undefined) return column;
    const sql = checkDefault(table, column, defaults[column.field]);
    return { ...column, databaseDefault: `(${sql})::${column.format.sqlType}` };
  });
}

function checkDefault(table: string, column: Column, sql: unknown): string {
  const refuse = (reason: string): never => {
    throw new ConfigurationError(`table ${table}: the default of column ${column.field} ${reason}`, {
      details: { table, column: column.field },
    });
  };
  if (column.defaultValue !== undefined) refuse('is in the schema already; remove one of the two');
  if (column.isNullable && !column.isOmittedWhenNull)
    refuse('would replace an explicit null; make the column optional instead of nullable');
  if (typeof sql !== 'string' || sql.trim() === '') return refuse('must be an SQL expression, as text');
  const fault = faultOf(sql);
  if (fault !== undefined) refuse(fault);
  return sql.trim();
}

/** Returns why the text is not one expression that can be part of a statement. */
function faultOf(sql: string): string | undefined {
  let depth = 0;
  TOKEN.lastIndex = 0;
  for (let previous = ''; TOKEN.lastIndex < sql.length; ) {
    const start = TOKEN.lastIndex;
    const token = TOKEN.exec(sql)?.[0];
    if (token === undefined) return `holds ${JSON.stringify(sql.slice(start, start + 10))}, which is not allowed there`;
    if ((token === '-' && previous === '-') || (token === '*' && previous === '/')) return 'holds a comment';
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (depth < 0 || (depth === 0 && token === ',')) return 'is more than one expression';
    if (isWord(token) && previous !== '::' && !KEYWORDS.has(token.toLowerCase()) && !isCall(sql, TOKEN.lastIndex))
      return `names ${token}, which is not a call of a function; for a constant, set a default in the schema: z.string().default(…)`;
    if (token.toLowerCase() === 'select') return 'holds a query';
    previous = token.trim() === '' ? '' : token;
  }
  return depth === 0 ? undefined : 'has a parenthesis that is not closed';
}

const isWord = (token: string): boolean => /^[a-z_"]/i.test(token);
const isCall = (sql: string, at: number): boolean => /^\s*\(/.test(sql.slice(at));
