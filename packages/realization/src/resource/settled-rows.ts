import { quoteIdentifier, UNSETTLED_SQLSTATE } from '@intendant/core/internal';
import { STATUS_WEIGHTS } from '../status/status.ts';
import { identitySql } from './identity-set.ts';
import type { StatusTables } from './status-tables.ts';
import { OWN } from './table-function.ts';

/*
 * A transaction that writes on several nodes of Citus is prepared on each, then committed on the coordinator, then on the
 * nodes. So for a moment a status may say more than the record: the record is missing, or has an earlier revision. If a
 * node crashes in that moment, it lasts until Citus recovers the transaction there. Whoever acts on a record at that time would
 * remove a resource that was just created, or report an earlier revision as realized.
 *
 * So where a statement acts on a record, it is compared with its overall row. If it is behind, and its node has a prepared
 * transaction, the function waits for a short time, and then refuses. Without a prepared transaction there, the record really
 * is so: it was changed without realization.
 */

const WAITS_MS = [2, 4, 8, 16, 32];

const { PENDING, IN_PROGRESS, REALIZED } = STATUS_WEIGHTS;

/** The body of the function that reads rows like `resources`, each once, and refuses if one is behind its status. */
export function settledBody(tables: StatusTables): string {
  const { resource, overall } = tables;
  const { columns, of, same } = identitySql(overall);
  const given = overall.identity.map((_, index) => `$${index + 2}`).join(', ');
  const asked = overall.identity.map((_, index) => `${OWN}.asked_${index + 1}`);
  const arrays = overall.identity.map(({ name }) => `array_agg(i.${quoteIdentifier(name)})`).join(', ');
  const key = keyOf(tables, 'i');
  return `
#variable_conflict use_column
<<${OWN}>>
declare
  one record;
  key text;
  known jsonb;
  about jsonb;
  expected integer;
  found integer;
  returned text[] := '{}';
  behind text[];
  is_settled boolean := false;
  org text;
  prepared bigint;
  turn integer := 1;${overall.identity.map(({ format }, index) => `\n  asked_${index + 1} ${format.sqlType}[];`).join('')}
begin
  select ${arrays}, jsonb_object_agg(${key}, jsonb_build_array(o.resource_revision, ${IS_EXPECTED})), count(*) filter (where ${IS_EXPECTED})
  into ${asked.join(', ')}, ${OWN}.known, ${OWN}.expected
  from (select distinct ${of('i')} from unnest(${given}) as i (${columns})) i
  left join ${overall.qualifiedName} o on ${same('o', 'i')};
  loop
    ${OWN}.found := 0;
    ${OWN}.behind := '{}';
    for one in
      select r.* from ${resource.qualifiedName} r
      join unnest(${asked.join(', ')}) as i (${columns}) on ${same('r', 'i')}${resource.isTenanted ? ` where r.org_id = any (${asked[0]})` : ''}
    loop
      ${OWN}.key := ${keyOf(tables, `${OWN}.one`)};
      ${OWN}.about := ${OWN}.known -> ${OWN}.key;
      if not ${OWN}.is_settled and ${OWN}.one.revision < (${OWN}.about ->> 0)::bigint then
        ${OWN}.behind := ${OWN}.behind || ${OWN}.key;
      else
        return next ${OWN}.one;
        ${OWN}.returned := ${OWN}.returned || ${OWN}.key;
        if (${OWN}.about ->> 1)::boolean then ${OWN}.found := ${OWN}.found + 1; end if;
      end if;
    end loop;
    exit when ${OWN}.is_settled or ${OWN}.found = ${OWN}.expected and ${OWN}.behind = '{}';

    select ${arrays}, count(*) filter (where ${IS_EXPECTED}) into ${asked.join(', ')}, ${OWN}.expected
    from (select distinct ${of('i')} from unnest(${asked.join(', ')}) as i (${columns})) i
    join ${overall.qualifiedName} o on ${same('o', 'i')}
    where not ${key} = any (${OWN}.returned) and (${IS_EXPECTED} or ${key} = any (${OWN}.behind));
    exit when ${asked[0]} is null;
    ${OWN}.prepared := 0;${countPrepared(tables, `array(select distinct unnest(${asked[0]}))`)}
    ${OWN}.is_settled := ${OWN}.prepared = 0;
    if not ${OWN}.is_settled then
      if ${OWN}.turn > ${WAITS_MS.length} then
        raise exception 'a node has not committed yet what the coordinator has' using errcode = '${UNSETTLED_SQLSTATE}';
      end if;
      perform pg_catalog.pg_sleep(('{${WAITS_MS.join(',')}}'::integer[])[${OWN}.turn] / 1000.0);
      ${OWN}.turn := ${OWN}.turn + 1;
    end if;
  end loop;
end`;
}

/** The status of an existing resource. What was deleted has another one, and so has what was never stored. */
const IS_EXPECTED = `(o.resource_revision > 0 and o.realization_status in (${[PENDING, IN_PROGRESS, REALIZED].join(', ')}))`;

const keyOf = (tables: StatusTables, alias: string): string =>
  `array[${tables.overall.identity.map(({ name }) => `${alias}.${quoteIdentifier(name)}::text`).join(', ')}]::text`;

/** Counts the prepared transactions of Citus on the nodes with rows of these orgs. Citus runs the inner query there. */
function countPrepared({ resource }: StatusTables, orgs: string): string {
  const count = (condition: string): string => `
      ${OWN}.prepared := ${OWN}.prepared + (
        select max(n.prepared) from (
          select pg_catalog.count(*), (select count(*) from pg_catalog.pg_prepared_xact() p where p.gid like 'citus\\_%') as prepared
          from ${resource.qualifiedName} r${condition}
        ) n);`;
  if (!resource.isTenanted) return count('');
  return `
    foreach org in array ${orgs} loop${count(` where r.org_id = ${OWN}.org`)}
    end loop;`;
}
