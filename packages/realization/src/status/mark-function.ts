import { quoteIdentifier } from '@intendant/core/internal';
import { identityJson, identityKeyText, ownerText, queueText } from '../job/add-job-call.ts';
import { resourceWith } from '../resource/resource-rows.ts';
import { isAlive, POINT_COLUMN, perStatusTables } from '../resource/status-tables.ts';
import {
  isIdentity,
  OWN,
  parametersAfter,
  type TableFunction,
  tableFunctionIfFits,
} from '../resource/table-function.ts';
import { MAX_DETAILS_LENGTH } from './details.ts';
import { heaviestOf, overallStatusOf } from './overall-status.ts';
import { isRemovedPoint } from './removed-point.ts';
import { DELETION_WEIGHTS, STATUS_WEIGHTS } from './status.ts';

/*
 * One mark of one resource, with the rules of `marks.ts`: lock, read, check, write, recompute, and add a job if the mark
 * requires work. While the overall row is locked, no other transaction changes a status of the resource. So one read
 * suffices: the new overall status follows from the statuses of the other points and the mark. At a point that had no
 * status no job is expected, so none is looked for before one is added. The lock is a separate
 * statement, so that the read sees everything that was committed before the lock was obtained.
 */

const { ERROR, REALIZED, DELETION_REALIZED } = STATUS_WEIGHTS;

/** Undefined for a key with too many columns. */
export const markFunction = perStatusTables((tables): TableFunction | undefined => {
  const { overall, enforcement } = tables;
  const count = overall.identity.length;
  const identity = overall.identity.map((_, index) => `$${index + 1}`);
  const { point, revision, status, isRemoval, note, isFenced, addsJob } = parametersAfter(count, [
    'point',
    'revision',
    'status',
    'isRemoval',
    'note',
    'isFenced',
    'addsJob',
  ]);
  const ofPoint = `${isIdentity(overall, 'e', identity)} and e.${POINT_COLUMN} = ${point}`;
  const columns = overall.identity.map(({ name }) => quoteIdentifier(name)).join(', ');
  const joined = (newer: string, older: string): string =>
    `left(concat_ws('; ', nullif(${newer}, ''), nullif(${older}, '')), ${MAX_DETAILS_LENGTH})`;
  const addJob = (
    name: string,
  ): string => `intendant.${name}(${queueText(tables, point)}, ${identityJson(tables, identity)},
      ${identityKeyText(tables, identity)}, ${ownerText(tables, identity)}, 0)`;
  return tableFunctionIfFits({
    tables,
    verb: 'mark',
    types: [
      ...overall.identity.map(({ format }) => format.sqlType),
      'text',
      'bigint',
      'integer',
      'boolean',
      'text',
      'boolean',
      'boolean',
    ],
    declarations: `
  overall record;
  stored record;
  intendant_is_alive boolean;
  intendant_current bigint;
  verdict text;
  next_status integer;
  next_details text;`,
    body: `
  select o.realization_status, o.additional_details, o.resource_revision into ${OWN}.overall
  from ${overall.qualifiedName} o where ${isIdentity(overall, 'o', identity)} for no key update;
  if not found then return row('unlocked'::text, null::bigint); end if;

  select state.revision, state.intendant_is_alive, state.intendant_current,
    p.enforcement_point_id is not null as is_known, p.realization_status, p.resource_revision, p.is_removal,
    others.heaviest, others.heaviest_kept, others.has_error, others.row_count into ${OWN}.stored
  from (
    select r.revision, ${isAlive(tables, 'r')} as intendant_is_alive,
      coalesce(r.revision, ${OWN}.overall.resource_revision) as intendant_current
    from (select) one left join ${resourceWith(tables, identity)}
  ) state
  left join ${enforcement.qualifiedName} p on ${isIdentity(overall, 'p', identity)} and p.${POINT_COLUMN} = ${point}
  cross join lateral (${heaviestOf(tables, `${isIdentity(overall, 'e', identity)} and e.${POINT_COLUMN} <> ${point}`, 'state')}) others;
  ${OWN}.intendant_is_alive := ${OWN}.stored.intendant_is_alive;
  ${OWN}.intendant_current := ${OWN}.stored.intendant_current;

  ${OWN}.verdict := case
    when not ${isRemoval} and not ${OWN}.intendant_is_alive then 'missing'
    when ${revision} < ${OWN}.stored.resource_revision or ${isFenced} and ${OWN}.stored.is_removal <> ${isRemoval} then 'stale'
    when ${revision} = ${OWN}.intendant_current then 'accepted'
    when ${revision} > ${OWN}.intendant_current then 'unknown-revision'
    else 'stale' end;
  if ${OWN}.verdict = 'accepted' and not ${isRemoval} and coalesce(${OWN}.stored.is_removal, true) then
    if ${isRemovedPoint(point)} then ${OWN}.verdict := 'removed-point'; end if;
  end if;
  if ${OWN}.verdict <> 'accepted' then return row(${OWN}.verdict, ${OWN}.intendant_current); end if;

  if not ${OWN}.stored.is_known then
    insert into ${enforcement.qualifiedName} as e
      (${columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
    values (${identity.join(', ')}, ${point}, ${status}, left(coalesce(${note}, ''), ${MAX_DETAILS_LENGTH}), ${revision}, ${isRemoval});
  elsif ${status} = ${ERROR} or (${OWN}.stored.realization_status, ${OWN}.stored.resource_revision, ${OWN}.stored.is_removal)
      is distinct from (${status}, ${revision}, ${isRemoval}) then
    update ${enforcement.qualifiedName} e
    set realization_status = ${status}, resource_revision = ${revision}, is_removal = ${isRemoval}, updated_at = clock_timestamp(),
      attempt = case when ${status} = ${ERROR} then e.attempt end,
      additional_details = case when ${status} in (${REALIZED}, ${DELETION_REALIZED}) then '' else ${joined(note, 'e.additional_details')} end
    where ${ofPoint};
  end if;

  ${OWN}.stored.heaviest := greatest(${OWN}.stored.heaviest, ${status});
  if not (${OWN}.intendant_is_alive and ${status} in (${DELETION_WEIGHTS.join(', ')})) then
    ${OWN}.stored.heaviest_kept := greatest(${OWN}.stored.heaviest_kept, ${status});
  end if;
  if ${status} = ${ERROR} then ${OWN}.stored.has_error := true; end if;
  ${OWN}.stored.row_count := ${OWN}.stored.row_count + 1;
  ${OWN}.next_status := ${overallStatusOf({ heavy: `${OWN}.stored`, isAlive: `${OWN}.intendant_is_alive`, revision: `${OWN}.stored.revision`, stored: `${OWN}.overall.realization_status` })};
  ${OWN}.next_details := case when ${OWN}.stored.has_error then ${joined(note, `${OWN}.overall.additional_details`)} else '' end;
  if (${OWN}.overall.realization_status, ${OWN}.overall.additional_details, ${OWN}.overall.resource_revision)
      is distinct from (${OWN}.next_status, ${OWN}.next_details, ${OWN}.intendant_current) then
    update ${overall.qualifiedName} o
    set realization_status = ${OWN}.next_status, additional_details = ${OWN}.next_details,
      resource_revision = ${OWN}.intendant_current, updated_at = clock_timestamp()
    where ${isIdentity(overall, 'o', identity)};
  end if;
  if ${addsJob} and ${OWN}.stored.is_known then perform ${addJob('add_job_unless_waiting')};
  elsif ${addsJob} then perform ${addJob('add_job')};
  end if;
  return row(${OWN}.verdict, ${OWN}.intendant_current);`,
  });
});
