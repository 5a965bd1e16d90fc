import { quoteIdentifier } from '@intendant/core/internal';
import { isAlive, POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { OWN, type TableFunction, tableFunction } from '../resource/table-function.ts';
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

/*
 * Begins the attempts of claimed jobs: locks the overall rows that no other transaction has locked, then reads the intents, marks
 * them IN_PROGRESS and recomputes the overall statuses. It returns a row for each job, in any order: with the intent, or
 * with `contended` if another transaction has locked the overall row, or `unknown` if there is no overall row.
 *
 * The jobs come as JSON, `[{ "identity": ["Pepsi", "VM1"], "attempt": 1 }]`, because in the common case they were claimed
 * by the statement before, in the same exchange.
 */

const { REALIZED, DELETION_REALIZED, IN_PROGRESS, DELETION_IN_PROGRESS } = STATUS_WEIGHTS;

/** The columns before those of the resource in each row. */
const RESULT =
  'intendant_ordinal bigint, intendant_state text, intendant_current bigint, intendant_is_tracked boolean, intendant_is_there boolean';
/** Columns that only the function uses; the caller must declare them too. */
const KEPT = `intendant_overall tid, intendant_enforcement tid, intendant_attempt integer, intendant_is_alive boolean,
  intendant_of_none integer, intendant_is_changed boolean`;

export interface BeginFunction extends TableFunction {
  /** The columns of the result. Those of the resource are called `column_1` and so on, to avoid conflicts with users' names. */
  readonly columns: string;
}

/** Created for every table, because it has few parameters. */
export const beginFunction = perStatusTables((tables): BeginFunction => {
  const { resource, overall, enforcement } = tables;
  const action = actionOf(tables);
  const items = `(
      select ${overall.identity.map(({ name, format }, index) => `(c.value->'identity'->>${index})::${format.sqlType} as ${quoteIdentifier(name)}`).join(', ')},
        c.ordinality as intendant_ordinal, least((c.value->>'attempt')::integer, $3) as intendant_attempt
      from jsonb_array_elements($1) with ordinality c
    ) i`;
  const made = tableFunction({
    tables,
    verb: 'begin_attempts',
    types: ['jsonb', 'text', 'integer'],
    returns: 'setof record',
    declarations: `
  locked bigint[];
  begun record;
  begun_rows tid[] := '{}';
  attempts integer[] := '{}';
  are_removals boolean[] := '{}';${OVERALL_ARRAYS}${identityVariables(tables)}`,
    body: `
  if $1 is null then return; end if;
  ${OWN}.locked := ${lockFreeItems(tables, items)};
  for begun in
    select i.intendant_ordinal,
      case when i.intendant_ordinal = any (${OWN}.locked) then ${action}
        when o.intendant_ctid is null then 'unknown' else 'contended' end as intendant_state,
      coalesce(${CURRENT}, 0) as intendant_current, e.${POINT_COLUMN} is not null as intendant_is_tracked,
      r.revision is not null as intendant_is_there, o.intendant_ctid as intendant_overall, e.intendant_ctid as intendant_enforcement,
      i.intendant_attempt, ${isAlive(tables, 'r')} as intendant_is_alive,
      ${statusOfNone(isAlive(tables, 'r'), 'r.revision')} as intendant_of_none,
      coalesce(${action} in ('realize', 'unrealize') and (e.realization_status, e.resource_revision, e.is_removal, e.attempt) is distinct from (
        case ${action} when 'unrealize' then ${DELETION_IN_PROGRESS} else ${IN_PROGRESS} end,
        ${CURRENT}, ${action} = 'unrealize', i.intendant_attempt), false) as intendant_is_changed
      ${overall.identity.map(({ name }, index) => `, i.${quoteIdentifier(name)} as intendant_identity_${index + 1}`).join('')}
      ${resource.columns.map(({ name }, index) => `, r.${quoteIdentifier(name)} as column_${index + 1}`).join('')}
    from ${items}
    ${rowOfItem(tables, 'overall', 'o')}
    ${resourceOfItem(tables, items)}
    ${rowOfItem(tables, 'enforcement', 'e', `e.${POINT_COLUMN} = $2`)}
  loop
    return next ${OWN}.begun;
    if ${OWN}.begun.intendant_is_tracked and ${OWN}.begun.intendant_is_changed and ${OWN}.begun.intendant_state in ('realize', 'unrealize') then
      ${OWN}.begun_rows := ${OWN}.begun_rows || ${OWN}.begun.intendant_enforcement;
      ${OWN}.attempts := ${OWN}.attempts || ${OWN}.begun.intendant_attempt;
      ${OWN}.are_removals := ${OWN}.are_removals || (${OWN}.begun.intendant_state = 'unrealize');
      ${OWN}.overall_rows := ${OWN}.overall_rows || ${OWN}.begun.intendant_overall;
      ${OWN}.currents := ${OWN}.currents || ${OWN}.begun.intendant_current;
      ${OWN}.are_alive := ${OWN}.are_alive || ${OWN}.begun.intendant_is_alive;
      ${OWN}.statuses_of_none := ${OWN}.statuses_of_none || ${OWN}.begun.intendant_of_none;${overall.identity
        .map(
          (_, index) => `
      ${OWN}.identity_${index + 1} := array_append(${OWN}.identity_${index + 1}, ${OWN}.begun.intendant_identity_${index + 1});`,
        )
        .join('')}
    end if;
  end loop;
  if cardinality(${OWN}.begun_rows) = 0 then return; end if;

  update ${enforcement.qualifiedName} e
  set realization_status = case when u.is_removal then ${DELETION_IN_PROGRESS} else ${IN_PROGRESS} end,
    resource_revision = u.revision, is_removal = u.is_removal, attempt = u.attempt, updated_at = clock_timestamp()
  from unnest(${OWN}.begun_rows, ${OWN}.currents, ${OWN}.are_removals, ${OWN}.attempts) as u (row_id, revision, is_removal, attempt)
  where e.ctid = u.row_id;
  ${recomputeOverall(tables)}`,
  });
  const own = overall.identity
    .map(({ format }, index) => `intendant_identity_${index + 1} ${format.sqlType}`)
    .join(', ');
  const columns = resource.columns.map(({ format }, index) => `column_${index + 1} ${format.sqlType}`).join(', ');
  return { ...made, columns: `${RESULT}, ${KEPT}, ${own}, ${columns}` };
});

/** SQL for the work at a point, from rows under the aliases o, r and e. */
const actionOf = (tables: StatusTables): string => `
      case
        when e.${POINT_COLUMN} is null then 'unrealize'
        when e.is_removal or not ${isAlive(tables, 'r')} then
          case when e.realization_status = ${DELETION_REALIZED} and e.resource_revision = ${CURRENT} then 'nothing' else 'unrealize' end
        when e.realization_status = ${REALIZED} and e.resource_revision = ${CURRENT} then 'observe'
        else 'realize'
      end`;

const CURRENT = 'coalesce(r.revision, o.resource_revision)';
