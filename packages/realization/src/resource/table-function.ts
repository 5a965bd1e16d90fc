import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';
import type { StatusTables } from './status-tables.ts';

/*
 * The common operations on one resource are one function each, made for its table: a call is one statement, its plans are
 * made once a connection, and what one step finds decides whether the next runs at all. A function runs with the rights of
 * whoever calls it, under the same policies as the statements would.
 *
 * No name that a user may give to a column can meet one of ours in there: parameters are used by number, variables by the
 * label of their block, columns by the alias of their table.
 */

/** The label of the functions' blocks: `own.known` is a variable in every statement, even if a column has the same name. */
export const OWN = 'own';

/** Postgres takes no more parameters; a table with so many columns uses the statements for sets. */
const MAX_PARAMETERS = 100;

export interface TableFunction {
  /** Schema-qualified and quoted, without parameters. */
  readonly name: string;
  /** With the parameters' types. */
  readonly signature: string;
  /** The parameters of a call, cast: functions of an older and a newer version of a table may stand side by side. */
  readonly parameters: string;
  readonly sql: string;
}

export interface FunctionParts {
  readonly tables: StatusTables;
  /** The first part of its name. */
  readonly verb: string;
  readonly types: readonly string[];
  /** Default: one row. */
  readonly returns?: 'record' | 'setof record';
  readonly declarations: string;
  readonly body: string;
}

/**
 * Plans are made once a connection, whatever the parameters, and look rows up by index. Without that, a plan that was made
 * while a table was empty reads all of it until the table is next analyzed. These two clauses cost a call about 2 µs.
 */
const PLANS_ARE_KEPT = 'set enable_seqscan = off set plan_cache_mode = force_generic_plan';

/** Undefined for a table with more columns than a function has parameters. */
export function tableFunction({
  tables,
  verb,
  types,
  returns = 'record',
  declarations,
  body,
}: FunctionParts): TableFunction | undefined {
  if (types.length > MAX_PARAMETERS) return undefined;
  const name = `intendant.${quoteIdentifier(derivedName(verb, tables.resource.schemaName, tables.resource.name))}`;
  const signature = `${name}(${types.join(', ')})`;
  return {
    name,
    signature,
    parameters: types.map((type, index) => `$${index + 1}::${type}`).join(', '),
    sql: `
create or replace function ${signature} returns ${returns}
language plpgsql ${PLANS_ARE_KEPT}
as $body$
#variable_conflict use_column
<<${OWN}>>
declare${declarations}
begin${body}
end
$body$`,
  };
}

/** That the row under this alias is of the resource whose identity these expressions are. */
export const isIdentity = (table: RegisteredTable, alias: string, values: readonly string[]): string =>
  table.identity.map(({ name }, index) => `${alias}.${quoteIdentifier(name)} = ${values[index]}`).join(' and ');
