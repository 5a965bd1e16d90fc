import { quoteIdentifier, quoteLiteral } from '../statement/identifier.ts';
import { checkName } from '../table/constraint-name.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { LiveTable } from './live-schema.ts';
import { sameExpression } from './stored-expression.ts';

/** A check constraint of a table. */
interface Check {
  readonly name: string;
  readonly expression: string;
  isStoredAs(definition: string): boolean;
}

/** After a transaction has set an org, an unset org is an empty string. So no row may have an empty org. */
const orgCheck = (table: RegisteredTable): Check => ({
  name: checkName(table.name, 'org_id'),
  expression: `org_id <> ''`,
  isStoredAs: (definition) => sameExpression(definition, `check ((org_id <> ''))`),
});

const valueCheck = (table: RegisteredTable, column: string, allowed: readonly string[]): Check => ({
  name: checkName(table.name, column),
  expression: `${quoteIdentifier(column)} in (${allowed.map(quoteLiteral).join(', ')})`,
  isStoredAs: (definition) => sameValues(definition, allowed),
});

const checksOf = (table: RegisteredTable): Check[] => [
  ...(table.isTenanted ? [orgCheck(table)] : []),
  ...table.definition.columns.flatMap(({ name, allowedValues }) =>
    allowedValues ? [valueCheck(table, name, allowedValues)] : [],
  ),
];

const definitionOf = ({ name, expression }: Check): string =>
  `constraint ${quoteIdentifier(name)} check (${expression})`;

/** One statement for all changes; on a distributed table one for each, since Citus does not combine changes of constraints. */
export const alterTable = ({ qualifiedName, placement }: RegisteredTable, changes: readonly string[]): string[] =>
  (placement === 'here' ? [changes.join(', ')] : changes).map((change) => `alter table ${qualifiedName} ${change}`);

/** The constraints for `create table`. */
export const checkDefinitions = (table: RegisteredTable): string[] => checksOf(table).map(definitionOf);

/** Statements for checks that are missing, altered or no longer wanted. Checks made by users stay. */
export function planChecks(table: RegisteredTable, live: LiveTable): string[] {
  const alter = `alter table ${table.qualifiedName}`;
  const wanted = checksOf(table);
  const dropped = table.definition.columns
    .map(({ name }) => checkName(table.name, name))
    .filter((name) => live.checks[name] !== undefined && !wanted.some((check) => check.name === name));
  return [
    ...dropped.map((name) => `${alter} drop constraint ${quoteIdentifier(name)}`),
    ...wanted.flatMap((check) => {
      const stored = live.checks[check.name];
      if (stored !== undefined && check.isStoredAs(stored)) return [];
      const drop = stored === undefined ? [] : [`drop constraint ${quoteIdentifier(check.name)}`];
      return alterTable(table, [...drop, `add ${definitionOf(check)}`]);
    }),
  ];
}

/** The literals of `CHECK ((kind = ANY (ARRAY['a'::text, 'b'::text])))`, or of a single one, in order. */
function sameValues(stored: string, allowed: readonly string[]): boolean {
  const literals = [...stored.matchAll(/'((?:[^']|'')*)'::text/g)].map(([, text]) =>
    (text as string).replaceAll("''", "'"),
  );
  return JSON.stringify(literals) === JSON.stringify(allowed);
}
