import { derivedName, quoteIdentifier } from '@intendant/core/internal';
import { identitySql } from './identity-set.ts';
import type { StatusTables } from './status-tables.ts';
import { isIdentity } from './table-function.ts';

/*
 * How statements reach the rows of resources.
 *
 * On one server the resource's table is joined. On Citus the resources are on the nodes, while statuses and jobs are on the
 * coordinator. Citus refuses most statements that lock or change local tables and join distributed ones, so there
 * such a statement calls a function that reads the rows of the resources from their nodes, and joins its result.
 */

/** Whether the resources are on other servers than their statuses. */
export const isElsewhere = ({ resource }: StatusTables): boolean => resource.placement !== 'here';

/**
 * The functions of a table whose resources are elsewhere: to read rows, to read rows that are not behind their statuses (see
 * settled-rows.ts), to soft-delete one, to delete one.
 */
export type RowFunction = 'resources' | 'settled_resources' | 'hide_resource' | 'purge_resource';

/** Which rows a statement gets: `settled_resources` if it acts on them, `resources` if it shows them or has just changed them. */
type Reading = 'resources' | 'settled_resources';

/** The name, schema-qualified and quoted. */
export const rowFunctionName = ({ resource }: StatusTables, verb: RowFunction): string =>
  `intendant.${quoteIdentifier(derivedName(verb, resource.schemaName, resource.name))}`;

/** SQL for a `from` item `r`: the rows that a function changed, for the row under an alias. */
export const rowFunctionCall = (
  tables: StatusTables,
  verb: 'hide_resource' | 'purge_resource',
  alias: string,
): string => call(tables, verb, identityOf(tables, alias));

/**
 * SQL for the resources `r` that belong to the rows of a source, to follow `join` or `left join`. The source is an item of
 * a `from` clause with its alias, e.g. `page p`. It may be evaluated several times.
 */
export function resourcesOf(
  tables: StatusTables,
  alias: string,
  source: string,
  reading: Reading = 'resources',
): string {
  if (!isElsewhere(tables)) return joined(tables, alias);
  const arrays = identityOf(tables, alias).map((column) => `array(select ${column} from ${source})`);
  return `${call(tables, reading, arrays)} on ${identitySql(tables.overall).same('r', alias)}`;
}

/** The same for a statement that acts on the resources. */
export const settledResourcesOf = (tables: StatusTables, alias: string, source: string): string =>
  resourcesOf(tables, alias, source, 'settled_resources');

/** The same with one read for each row under the alias: for few rows, or where other conditions leave few. */
export const resourceOf = (tables: StatusTables, alias: string): string =>
  isElsewhere(tables)
    ? `lateral ${oneResource(tables, 'resources', identityOf(tables, alias))} on true`
    : joined(tables, alias);

/** The same for all rows under the alias, which is the table of overall statuses: reads all resources. */
export const allResourcesOf = (tables: StatusTables, alias: string): string =>
  isElsewhere(tables)
    ? `(select * from ${tables.resource.qualifiedName}${readFirst(tables)}) r on ${identitySql(tables.overall).same('r', alias)}`
    : joined(tables, alias);

/** SQL for the resource `r` with an identity, one expression for each column, to follow `left join`; for a statement that acts on it. */
export const resourceWith = (tables: StatusTables, identity: readonly string[]): string =>
  isElsewhere(tables)
    ? `lateral ${oneResource(tables, 'settled_resources', identity)} on true`
    : `${tables.resource.qualifiedName} r on ${isIdentity(tables.overall, 'r', identity)}`;

/** SQL for the condition that the row under the alias has a resource `r` that meets a further condition. */
export const hasResource = (
  tables: StatusTables,
  alias: string,
  { condition = '', reading = 'resources' }: { readonly condition?: string; readonly reading?: Reading } = {},
): string =>
  isElsewhere(tables)
    ? `exists (select from ${oneResource(tables, reading, identityOf(tables, alias))} where true${condition})`
    : `exists (select from ${tables.resource.qualifiedName} r where ${identitySql(tables.overall).same('r', alias)}${condition})`;

/** Ends a query of the resources that Citus reads before it joins the result. Otherwise it would send the other rows to the nodes. */
export const readFirst = (tables: StatusTables): string => (isElsewhere(tables) ? ' offset 0' : '');

/**
 * Follows `from changed` in a statement that stores something on the coordinator for each row that its named query `changed`
 * returned. Citus would run the whole statement on the node, except if it reads a table of the coordinator too.
 */
export const onCoordinator = (tables: StatusTables): string =>
  isElsewhere(tables) ? ' left join pg_catalog.pg_am on false' : '';

const joined = (tables: StatusTables, alias: string): string =>
  `${tables.resource.qualifiedName} r on ${identitySql(tables.overall).same('r', alias)}`;

const oneResource = (tables: StatusTables, reading: Reading, identity: readonly string[]): string =>
  call(
    tables,
    reading,
    identity.map((value) => `array[${value}]`),
  );

/** The first parameter says what the rows are like. So the function needs no change when the table gets a column. */
const call = (tables: StatusTables, verb: RowFunction, values: readonly string[]): string =>
  `${rowFunctionName(tables, verb)}(null::${tables.resource.qualifiedName}, ${values.join(', ')}) r`;

const identityOf = ({ overall }: StatusTables, alias: string): string[] =>
  overall.identity.map(({ name }) => `${alias}.${quoteIdentifier(name)}`);
