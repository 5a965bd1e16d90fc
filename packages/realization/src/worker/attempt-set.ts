import { quoteIdentifier } from '@intendant/core/internal';
import { identitySql } from '../resource/identity-set.ts';
import { isElsewhere, settledResourcesOf } from '../resource/resource-rows.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { isIdentity, OWN } from '../resource/table-function.ts';
import { heaviestOf } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * The functions that begin and finish attempts work on sets, held in arrays of the function. A row is found once, by its
 * key, in a lateral query: with `offset 0` Postgres cannot plan it in any other order than one look-up for each item,
 * for any estimate of the size of the tables. Later statements find the row again by its ctid. That is safe
 * because the overall row is locked, and no statement changes a status row without that lock.
 */

/** SQL for the row of a table under this alias that belongs to the item `i`, or nulls; with its ctid. */
export const rowOfItem = (
  tables: StatusTables,
  which: 'resource' | 'overall' | 'enforcement',
  alias: string,
  condition = 'true',
): string => {
  const table = tables[which];
  const values = tables.overall.identity.map(({ name }) => `i.${quoteIdentifier(name)}`);
  return `left join lateral (
      select ${alias}.*, ${alias}.ctid as intendant_ctid from ${table.qualifiedName} ${alias}
      where ${isIdentity(tables.overall, alias, values)} and ${condition} offset 0
    ) ${alias} on true`;
};

/** SQL for the resource `r` of the item `i`, or nulls. */
export const resourceOfItem = (tables: StatusTables, items: string): string =>
  isElsewhere(tables) ? `left join ${settledResourcesOf(tables, 'i', items)}` : rowOfItem(tables, 'resource', 'r');

/** SQL for the ordinals of those items whose overall row could be locked without waiting, in the order of the identity. */
export const lockFreeItems = (tables: StatusTables, items: string): string => {
  const values = tables.overall.identity.map(({ name }) => `i.${quoteIdentifier(name)}`);
  return `array(
    select had.intendant_ordinal
    from (select * from ${items} order by ${identitySql(tables.overall).of('i')} offset 0) i
    cross join lateral (
      select i.intendant_ordinal from ${tables.overall.qualifiedName} o
      where ${isIdentity(tables.overall, 'o', values)} for no key update of o skip locked
    ) had
  )`;
};

/** The arrays of a function that `recomputeOverall` uses, with one element for each locked resource. */
export const OVERALL_ARRAYS = `
  overall_rows tid[] := '{}';
  currents bigint[] := '{}';
  are_alive boolean[] := '{}';
  statuses_of_none integer[] := '{}';`;

/** One array for each column of the identity. */
export const identityVariables = (tables: StatusTables): string =>
  tables.overall.identity.map(({ format }, index) => `\n  identity_${index + 1} ${format.sqlType}[] := '{}';`).join('');

/** Sets the overall rows of the resources in the arrays to the heaviest status at their points. */
export function recomputeOverall(tables: StatusTables): string {
  const { overall } = tables;
  const { columns } = identitySql(overall);
  const arrays = overall.identity.map((_, index) => `${OWN}.identity_${index + 1}`);
  const values = overall.identity.map(({ name }) => `u.${quoteIdentifier(name)}`);
  return `
  update ${overall.qualifiedName} o
  set realization_status = v.intendant_status, resource_revision = v.intendant_current, updated_at = clock_timestamp(),
    additional_details = case when v.has_error then o.additional_details else '' end
  from (
    select u.intendant_row, u.intendant_current, coalesce(heavy.has_error, false) as has_error,
      coalesce(heavy.heaviest_kept,
        case when u.intendant_is_alive and heavy.heaviest = ${STATUS_WEIGHTS.DELETION_REALIZED} then ${STATUS_WEIGHTS.REALIZED} else heavy.heaviest end,
        u.intendant_status_of_none) as intendant_status
    from unnest(${OWN}.overall_rows, ${OWN}.currents, ${OWN}.are_alive, ${OWN}.statuses_of_none, ${arrays.join(', ')})
      as u (intendant_row, intendant_current, intendant_is_alive, intendant_status_of_none, ${columns})
    cross join lateral (${heaviestOf(tables, isIdentity(overall, 'e', values), 'u')}) heavy
  ) v
  where o.ctid = v.intendant_row
    and (o.realization_status, o.additional_details, o.resource_revision)
      is distinct from (v.intendant_status, case when v.has_error then o.additional_details else '' end, v.intendant_current);`;
}
