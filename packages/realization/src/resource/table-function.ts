import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';
import type { StatusTables } from './status-tables.ts';

/**
 * Each common operation on one resource is a function, made for its table. A call is one statement, its plans are made
 * once per connection, and the result of one step decides whether the next one runs. A function runs with the rights of
 * its caller, under the same policies as single statements would.
 *
 * No column name of a user can conflict with a name in the function: parameters are referenced by number, variables by
 * the label of their block, columns by the alias of their table.
 */

/** The label of the functions' blocks: `own.known` means the variable in every statement, even if a column has the same name. */
export const OWN = 'own';

/** Postgres allows no more parameters. A table with so many columns uses the statements for sets. */
const MAX_PARAMETERS = 100;

export interface TableFunction {
  /** The name, schema-qualified and quoted, without parameters. */
  readonly name: string;
  /** The signature, with the parameters' types. */
  readonly signature: string;
  /**
   * The parameters of a call with casts, because functions for an older and a newer version of a table may exist at the
   * same time.
   */
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
 * Makes plans that are independent of the parameters and that use indexes. Otherwise a plan that was made while a table
 * was empty would read the whole table until the table is analyzed. These two clauses add about 2 µs to each call.
 */
const PLANS_ARE_KEPT = 'set enable_seqscan = off set plan_cache_mode = force_generic_plan';

/** Undefined for a table with more columns than a function has parameters. */
export const tableFunctionIfFits = (parts: FunctionParts): TableFunction | undefined =>
  parts.types.length > MAX_PARAMETERS ? undefined : tableFunction(parts);

/** A function that has few parameters. */
export function tableFunction({
  tables,
  verb,
  types,
  returns = 'record',
  declarations,
  body,
}: FunctionParts): TableFunction {
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

/** References to the function's parameters after the first ones, by name and in this order. */
export const parametersAfter = <const Name extends string>(count: number, names: readonly Name[]) =>
  Object.fromEntries(names.map((name, index) => [name, `$${count + index + 1}`])) as Readonly<Record<Name, string>>;

/** The condition that the row under this alias belongs to the resource whose identity these expressions are. */
export const isIdentity = (table: RegisteredTable, alias: string, values: readonly string[]): string =>
  table.identity.map(({ name }, index) => `${alias}.${quoteIdentifier(name)} = ${values[index]}`).join(' and ');
