import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';

/*
 * The indexes that lead from a status to its resources. The org comes first, as in every index; then the point, if
 * the rows belong to points; then the status; then the rest of the key, so that a page is read in the order of the
 * key.
 */

/** Returns the SQL for missing indexes. */
export async function planStatusIndexes(client: ClientBase, resources: readonly StatusTables[]): Promise<string[]> {
  const wanted = resources.flatMap(({ overall, enforcement }) => [
    indexOf(overall, overall, []),
    indexOf(enforcement, overall, [POINT_COLUMN]),
  ]);
  const { rows } = await client.query<{ name: string }>(
    'select name from unnest($1::text[]) as name where to_regclass(name) is null',
    [wanted.map(({ name }) => name)],
  );
  const missing = new Set(rows.map(({ name }) => name));
  return wanted.filter(({ name }) => missing.has(name)).map(({ create }) => create);
}

function indexOf(
  table: RegisteredTable,
  { identity }: RegisteredTable,
  lead: readonly string[],
): { name: string; create: string } {
  const index = quoteIdentifier(derivedName('status', table.name, 'idx'));
  const org = identity.filter(({ field }) => field === 'orgId').map(({ name }) => name);
  const rest = identity.filter(({ field }) => field !== 'orgId').map(({ name }) => name);
  const columns = [...org, ...lead, 'realization_status', ...rest].map(quoteIdentifier).join(', ');
  return {
    name: `${quoteIdentifier(table.schemaName)}.${index}`,
    create: `create index if not exists ${index} on ${table.qualifiedName} (${columns})`,
  };
}
