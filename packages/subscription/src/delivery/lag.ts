import { arrayLiteral, type DataStoreInternals, serviceScope } from '@intendant/core/internal';
import { codesOf } from '../log/log-entry.ts';
import { loggedName } from '../log/names.ts';
import type { LogView } from '../log/read-log.ts';
import { SLOT_OF_ENTRY, SLOTS } from '../log/slot.ts';

/** Counting stops at this many changes. */
export const MAX_COUNTED = 10_000;
/** Counting reads at most this many numbers of the log. Otherwise it could read all of a large log for a table with few changes. */
export const MAX_NUMBERS_READ = 200_000;

const COUNT = `
select count(*)::text from (
  select from intendant.change_log
  where seq > $1::bigint and seq <= $1::bigint + ${MAX_NUMBERS_READ} and seq > ($2::bigint[])[1 + ${SLOT_OF_ENTRY}] and table_name = any($3::text[])
    and operation = any($4::text[]::"char"[])
  limit ${MAX_COUNTED}
) l`;

/** Counts the committed changes of a view beyond each slot's place. */
export async function countLag(
  internals: DataStoreInternals,
  view: LogView,
  places: readonly number[],
): Promise<number> {
  const values = [
    String(Math.min(...places)),
    arrayLiteral(places.map(String)),
    arrayLiteral(view.tables.map(loggedName)),
    arrayLiteral(codesOf(view.operations)),
  ];
  const { lag } = await internals.executor.run(view.scope ?? serviceScope, { lag: { text: COUNT, values } });
  return Number(lag.rows[0]?.[0]);
}

/** Uses the same place for every slot. */
export const everySlotAt = (place: number): number[] => Array.from({ length: SLOTS }, () => place);
