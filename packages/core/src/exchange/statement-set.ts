import type { Statement, StatementResult } from './statement.ts';

/**
 * The statements of one exchange, in the order of their names. A value may also be a list of statements, or
 * `undefined`, which is skipped. Names must not look like numbers, because JavaScript would move those to the front.
 */
export type StatementSet = NamedStatements | readonly Statement[];

type NamedStatements = Readonly<Record<string, Statement | readonly Statement[] | undefined>>;

/** The results of a set of statements, under the same names. */
export type ResultSet<Statements> = { -readonly [Name in keyof Statements]: ResultOf<Statements[Name]> };

type ResultOf<Entry> = Entry extends readonly Statement[]
  ? StatementResult[]
  : Entry extends Statement
    ? StatementResult
    : undefined;

/** The statements in the order in which they are sent. */
export const statementsOf = (set: StatementSet): readonly Statement[] =>
  isList(set) ? set : Object.values(set).flatMap((entry) => entry ?? []);

/** The same set with every statement replaced. */
export function mapStatements<Statements extends StatementSet>(
  set: Statements,
  map: (statement: Statement) => Statement,
): Statements {
  const mapEntry = (entry: Statement | readonly Statement[] | undefined) =>
    isList(entry) ? entry.map(map) : entry && map(entry);
  const mapped = isList(set)
    ? set.map(map)
    : Object.fromEntries(Object.entries(set).map(([name, entry]) => [name, mapEntry(entry)]));
  return mapped as StatementSet as Statements;
}

/** Puts the results of `statementsOf(set)` back under their names. */
export function resultsFor<Statements extends StatementSet>(
  set: Statements,
  results: readonly StatementResult[],
): ResultSet<Statements> {
  return (isList(set) ? results : named(set, results)) as ResultSet<Statements>;
}

function named(set: NamedStatements, results: readonly StatementResult[]): Record<string, unknown> {
  const byName: Record<string, unknown> = {};
  let next = 0;
  for (const name of Object.keys(set)) {
    const entry = set[name];
    if (isList(entry)) {
      byName[name] = results.slice(next, next + entry.length);
      next += entry.length;
    } else if (entry !== undefined) byName[name] = results[next++];
  }
  return byName;
}

const isList = (value: unknown): value is readonly Statement[] => Array.isArray(value);
