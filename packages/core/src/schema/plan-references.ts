import type { ClientBase } from 'pg';
import { ConfigurationError } from '../error/intendant-error.ts';
import { derivedName, qualifiedName, quoteIdentifier, quoteLiteral } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { TableReference } from '../table/table-reference.ts';
import { withEffect } from './effect.ts';
import { type LiveTable, readLiveTables } from './live-schema.ts';
import { FROM_DEFINITION } from './plan-indexes.ts';

const ACTIONS = { restrict: 'restrict', cascade: 'cascade', setNull: 'set null' } as const;

/** Plans the foreign keys of these tables. Called after all tables exist or are planned. */
export async function planReferences(
  client: ClientBase,
  schemaName: string,
  tables: readonly RegisteredTable[],
  live: ReadonlyMap<string, LiveTable>,
): Promise<string[]> {
  const targets = tables.flatMap(({ definition }) => definition.references.map(({ table }) => table.name));
  const unregistered = targets.filter((name) => !tables.some((table) => table.name === name));
  const others = unregistered.length === 0 ? new Map() : await readLiveTables(client, schemaName, unregistered);
  return tables.flatMap((table) => {
    const stored = live.get(table.name);
    const wanted = table.definition.references.map((reference) => {
      const name = nameOfReference(table.name, reference);
      return { name, create: createReference(table, name, reference, keyOf(reference, tables, others)) };
    });
    const outdated = (stored?.definedReferences ?? []).filter((name) => !wanted.some((key) => key.name === name));
    return [
      ...outdated.map((name) =>
        withEffect(
          `drops the foreign key ${name}, which is no longer in the definition; rows stay`,
          `alter table ${table.qualifiedName} drop constraint ${quoteIdentifier(name)}`,
        ),
      ),
      ...wanted.flatMap(({ name, create }) => (stored?.references.includes(name) ? [] : create)),
    ];
  });
}

/** A foreign key with another `onDelete` is a different key. */
const nameOfReference = (tableName: string, { fields, table, onDelete = 'restrict' }: TableReference): string =>
  derivedName(tableName, ...fields, table.name, onDelete, 'fkey');

/** The columns of the other table's primary key after the plan. */
function keyOf(
  { table: { name } }: TableReference,
  tables: readonly RegisteredTable[],
  others: ReadonlyMap<string, LiveTable>,
): readonly string[] {
  const registered = tables.find((table) => table.name === name);
  const columns = registered?.identity.map((column) => column.name) ?? others.get(name)?.primaryKey;
  if (columns !== undefined) return columns;
  throw new ConfigurationError(`register: table ${name} is referred to, but not in the database; register it too`);
}

function createReference(
  table: RegisteredTable,
  name: string,
  { fields, table: to, onDelete = 'restrict' }: TableReference,
  key: readonly string[],
): string[] {
  if (onDelete === 'setNull' && table.placement === 'by-org')
    throw new ConfigurationError(
      `register: table ${table.name} refers to ${to.name} with onDelete 'setNull', which Citus does not do in a table distributed by org_id: use 'restrict' or 'cascade'`,
      { details: { table: table.name } },
    );
  const own = key.map((column) => {
    const place = to.key.indexOf(column);
    return quoteIdentifier(place < 0 ? column : (fields[place] as string));
  });
  const emptied = onDelete === 'setNull' ? ` (${fields.map(quoteIdentifier).join(', ')})` : '';
  const target = `${qualifiedName(table.schemaName, to.name)} (${key.map(quoteIdentifier).join(', ')})`;
  return [
    withEffect(
      `each row must refer to a row of ${to.name} of its own org; fails if one does not`,
      `alter table ${table.qualifiedName} add constraint ${quoteIdentifier(name)} foreign key (${own.join(', ')}) references ${target} on delete ${ACTIONS[onDelete]}${emptied}`,
    ),
    `comment on constraint ${quoteIdentifier(name)} on ${table.qualifiedName} is ${quoteLiteral(FROM_DEFINITION)}`,
  ];
}
