import type { ClientBase } from 'pg';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { Column } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { LiveTable } from './live-schema.ts';
import type { RowFacts } from './plan-columns.ts';
import { sameExpression } from './stored-expression.ts';

/**
 * Returns the columns whose stored default differs from the definition. Postgres prints expressions in its own format. So
 * it also prints those of the definition: as defaults of a temporary table, which is rolled back.
 */
export async function readDefaults(
  client: ClientBase,
  table: RegisteredTable,
  live: LiveTable | undefined,
): Promise<RowFacts['otherDefaults']> {
  const storedDefault = ({ name }: Column) => live?.columns.find((column) => column.name === name)?.default ?? null;
  const unclear = table.columns.filter(
    (column) =>
      column.databaseDefault !== undefined &&
      storedDefault(column) !== null &&
      !sameExpression(storedDefault(column), column.databaseDefault),
  );
  if (unclear.length === 0) return new Set();
  const printed = await printDefaults(client, unclear);
  return new Set(
    unclear.filter((column) => printed.get(column.name) !== storedDefault(column)).map(({ name }) => name),
  );
}

async function printDefaults(client: ClientBase, columns: readonly Column[]): Promise<Map<string, string>> {
  const definitions = columns.map(
    ({ name, format, databaseDefault }) => `${quoteIdentifier(name)} ${format.sqlType} default ${databaseDefault}`,
  );
  await client.query('savepoint intendant_print');
  try {
    await client.query(`create temporary table intendant_print (${definitions.join(', ')})`);
    const { rows } = await client.query<{ name: string; printed: string }>(
      `select a.attname as name, pg_get_expr(d.adbin, d.adrelid) as printed
       from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
       where d.adrelid = 'pg_temp.intendant_print'::regclass`,
    );
    return new Map(rows.map(({ name, printed }) => [name, printed]));
  } finally {
    await client.query('rollback to savepoint intendant_print; release savepoint intendant_print');
  }
}
