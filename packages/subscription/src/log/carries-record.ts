import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { serviceQuery } from '../service-query.ts';
import { CARRIES_RECORD } from './append-trigger.ts';
import { appendFunction, loggedName } from './names.ts';
import type { SourceKind } from './source-kind.ts';

export interface CarriedRecords {
  readonly internals: DataStoreInternals;
  /** Names of tables. */
  readonly records: ReadonlySet<string>;
  readonly source: SourceKind;
}

/**
 * Whether changes of the table carry the row: the table is in this process's option `records`, or the feed of the
 * database carries its rows already.
 */
export async function carriesRecord(
  { internals, records, source }: CarriedRecords,
  table: RegisteredTable,
): Promise<boolean> {
  if (records.has(table.name)) return true;
  const [sql, subject] =
    source === 'triggers'
      ? [
          `strpos(prosrc, '${CARRIES_RECORD}') > 0 as carries from pg_proc where oid = to_regprocedure($1)`,
          `${appendFunction(table)}()`,
        ]
      : ['carries_record as carries from intendant.replicated_table where table_name = $1', loggedName(table)];
  const { rows } = await serviceQuery<{ carries: boolean }>(internals, `select ${sql}`, [subject]);
  return rows[0]?.carries ?? false;
}
