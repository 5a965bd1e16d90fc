import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { serviceQuery } from '../service-query.ts';
import { CARRIES_RECORD } from './append-trigger.ts';
import { appendFunction } from './names.ts';

/**
 * Whether changes of the table carry the row: the table is in this process's option `records`, or its triggers write
 * rows already.
 */
export async function carriesRecord(
  internals: DataStoreInternals,
  records: ReadonlySet<string>,
  table: RegisteredTable,
): Promise<boolean> {
  if (records.has(table.name)) return true;
  const { rows } = await serviceQuery<{ body: string | null }>(
    internals,
    'select (select prosrc from pg_proc where oid = to_regprocedure($1)) as body',
    [`${appendFunction(table)}()`],
  );
  return rows[0]?.body?.includes(CARRIES_RECORD) ?? false;
}
