import { quoteIdentifier } from '@intendant/core/internal';
import { enqueueCall } from '../job/enqueue.ts';
import { identitySql } from '../resource/identity-set.ts';
import { isAlive, POINT_COLUMN, perStatusTables } from '../resource/status-tables.ts';
import { OWN, parametersAfter, type TableFunction, tableFunction } from '../resource/table-function.ts';
import { statusOfNone } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';
import {
  identityVariables,
  lockFreeItems,
  OVERALL_ARRAYS,
  recomputeOverall,
  resourceOfItem,
  rowOfItem,
} from './attempt-set.ts';

/**
 * Finishes successful attempts: locks the overall rows, removes the jobs from the queue, marks, recomputes, and adds a
 * job for each resource whose attempted revision is no longer the newest. It returns a row for each attempt, in any
 * order: `contended` if another transaction holds the overall row (nothing was changed), `lost` if the claim had ended,
 * `stale` if the mark no longer counts, otherwise `settled`.
 */

const { REALIZED, DELETION_REALIZED } = STATUS_WEIGHTS;

/** Created for every table, because it has few parameters. */
export const finishFunction = perStatusTables((tables): TableFunction => {
  const { overall, enforcement, resource } = tables;
  const identity = identitySql(overall);
  const count = identity.parameterCount;
  const { revisions, areRemovals, haveMarks, point, queue, jobs, retryCounts } = parametersAfter(count, [
    'revisions',
    'areRemovals',
    'haveMarks',
    'point',
    'queue',
    'jobs',
    'retryCounts',
  ]);
  const items = `unnest(${identity.arrays}, ${revisions}, ${areRemovals}, ${haveMarks}, ${jobs}, ${retryCounts})
      with ordinality as i (${identity.columns}, intendant_revision, intendant_is_removal, intendant_has_mark, intendant_job, intendant_retry_count, intendant_ordinal)`;
  const orgId = resource.isTenanted ? 'i.org_id' : 'null::text';
  return tableFunction({
    tables,
    verb: 'finish_attempts',
    types: [
      ...overall.identity.map(({ format }) => `${format.sqlType}[]`),
      'bigint[]',
      'boolean[]',
      'boolean[]',
      'text',
      'text',
      'uuid[]',
      'integer[]',
    ],
    returns: 'setof record',
    declarations: `
  locked bigint[];
  held uuid[];
  marked bigint[] := '{}';
  current record;
  marked_rows tid[] := '{}';
  marked_removals boolean[] := '{}';${OVERALL_ARRAYS}${identityVariables(tables)}`,
    body: `
  ${OWN}.locked := ${lockFreeItems(tables, items)};
  ${OWN}.locked := ${OWN}.locked || array(
    select i.intendant_ordinal from ${items} ${rowOfItem(tables, 'overall', 'o')} where o.intendant_ctid is null);
  ${OWN}.held := intendant.remove_jobs(${queue},
    array(select i.intendant_job from ${items} where i.intendant_ordinal = any (${OWN}.locked) order by i.intendant_ordinal),
    array(select i.intendant_retry_count from ${items} where i.intendant_ordinal = any (${OWN}.locked) order by i.intendant_ordinal));
  for current in
    select i.*, o.intendant_ctid as intendant_overall, e.intendant_ctid as intendant_enforcement,
      ${isAlive(tables, 'r')} as intendant_is_alive, ${statusOfNone(isAlive(tables, 'r'), 'r.revision')} as intendant_of_none
    from ${items}
    ${rowOfItem(tables, 'overall', 'o')}
    ${resourceOfItem(tables, items)}
    ${rowOfItem(tables, 'enforcement', 'e', `e.${POINT_COLUMN} = ${point}`)}
    where i.intendant_job = any (${OWN}.held) and i.intendant_has_mark and o.intendant_ctid is not null
      and i.intendant_revision = coalesce(r.revision, o.resource_revision) and (i.intendant_is_removal or ${isAlive(tables, 'r')})
      and e.resource_revision = i.intendant_revision and e.is_removal = i.intendant_is_removal
  loop
    ${OWN}.marked := ${OWN}.marked || ${OWN}.current.intendant_ordinal;
    ${OWN}.marked_rows := ${OWN}.marked_rows || ${OWN}.current.intendant_enforcement;
    ${OWN}.marked_removals := ${OWN}.marked_removals || ${OWN}.current.intendant_is_removal;
    ${OWN}.overall_rows := ${OWN}.overall_rows || ${OWN}.current.intendant_overall;
    ${OWN}.currents := ${OWN}.currents || ${OWN}.current.intendant_revision;
    ${OWN}.are_alive := ${OWN}.are_alive || ${OWN}.current.intendant_is_alive;
    ${OWN}.statuses_of_none := ${OWN}.statuses_of_none || ${OWN}.current.intendant_of_none;${overall.identity
      .map(
        ({ name }, index) => `
    ${OWN}.identity_${index + 1} := array_append(${OWN}.identity_${index + 1}, ${OWN}.current.${quoteIdentifier(name)});`,
      )
      .join('')}
  end loop;
  if cardinality(${OWN}.marked) > 0 then
    update ${enforcement.qualifiedName} e
    set realization_status = case when u.is_removal then ${DELETION_REALIZED} else ${REALIZED} end,
      is_removal = u.is_removal, additional_details = '', updated_at = clock_timestamp()
    from unnest(${OWN}.marked_rows, ${OWN}.marked_removals) as u (row_id, is_removal)
    where e.ctid = u.row_id;
    ${recomputeOverall(tables)}
  end if;
  if exists (select from ${items} where i.intendant_has_mark and i.intendant_job = any (${OWN}.held) and not i.intendant_ordinal = any (${OWN}.marked)) then
    perform ${enqueueCall(tables, `array_agg(${point})`, `array_agg(${identity.json('i')})`, `array_agg(${orgId})`)}
    from ${items}
    where i.intendant_has_mark and i.intendant_job = any (${OWN}.held) and not i.intendant_ordinal = any (${OWN}.marked);
  end if;
  return query
    select i.intendant_ordinal, case
      when not i.intendant_ordinal = any (${OWN}.locked) then 'contended'
      when not i.intendant_job = any (${OWN}.held) then 'lost'
      when i.intendant_has_mark and not i.intendant_ordinal = any (${OWN}.marked) then 'stale'
      else 'settled' end
    from ${items};`,
  });
});
