import {
  onlyReplaces,
  quoteIdentifier,
  quoteLiteral,
  type RegisteredTable,
  suppliedColumns,
  upsertStatement,
  type WireValue,
} from '@intendant/core/internal';
import { identityJson, identityKeyText, ownerText, queueText } from '../job/add-job-call.ts';
import { mayRefusePoint, refusePoint } from '../placement/refused-point.ts';
import { pointTableName } from '../placement/selector.ts';
import { POINT_COLUMN, perStatusTables } from '../resource/status-tables.ts';
import {
  isIdentity,
  OWN,
  parametersAfter,
  type TableFunction,
  tableFunctionIfFits,
} from '../resource/table-function.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * An intent for one resource, as described in `persist-intent.ts`: lock, resource, enforcement rows, overall row,
 * jobs. Nothing is written twice, and no statement runs that would touch no row, because its triggers would run
 * anyway.
 *
 * A refusal is an error, which undoes all changes: the exchange is its own transaction. If there are rows of an
 * earlier resource with the same id, the function refuses with LEFTOVER_SQLSTATE, and the separate statements are
 * used.
 */

/** Raised if the resource's revision differs from the record's. */
export const REFUSED_SQLSTATE = 'IN412';

const { PENDING, REALIZED, DELETION_PENDING, DELETION_REALIZED } = STATUS_WEIGHTS;

export interface PersistFunction extends TableFunction {
  /** The statements that store the record, without and with a revision; the function contains all of them. */
  readonly upserts: readonly string[];
}

/** Undefined for a table with too many columns. */
export const persistFunction = perStatusTables((tables): PersistFunction | undefined => {
  const { resource, overall, enforcement } = tables;
  const supplied = suppliedColumns(resource);
  const identity = overall.identity.map(({ name }) => `$${supplied.findIndex((column) => column.name === name) + 1}`);
  const { revision, points, selector } = parametersAfter(supplied.length, ['revision', 'points', 'selector']);
  const columns = overall.identity.map(({ name }) => quoteIdentifier(name)).join(', ');
  const ofEnforcement = isIdentity(overall, 'e', identity);
  const ofOverall = isIdentity(overall, 'o', identity);
  const isNamed = `e.${POINT_COLUMN} = any (${OWN}.wanted)`;
  const isStaying = `(case when ${OWN}.wanted is null then not e.is_removal else ${isNamed} end)`;
  const upserts = [undefined, '0'].map((given) => upsertText(resource, given));
  const replacement = replacementOf(resource, revision);
  const made = tableFunctionIfFits({
    tables,
    verb: 'persist_intent',
    types: [...supplied.map(({ format }) => format.sqlType), 'bigint', 'text[]', 'jsonb'],
    declarations: `
  wanted text[] := ${points};
  known bigint;
  former integer;
  is_new boolean;
  is_stored boolean := false;
  stored record;
  rows_there bigint;
  rows_named bigint;
  rows_gone bigint;
  changed bigint;
  point text;
  identity jsonb;
  job_key text;`,
    body: `
  select o.resource_revision, o.realization_status into ${OWN}.known, ${OWN}.former from ${overall.qualifiedName} o where ${ofOverall} for no key update;
  ${OWN}.is_new := not found;
  if ${OWN}.is_new then
    insert into ${overall.qualifiedName} as o
      (${columns}, realization_status, additional_details, resource_revision, placement_selector)
    values (${identity.join(', ')}, case when cardinality(${points}) = 0 then ${REALIZED} else ${PENDING} end, '', 1, ${selector})
    on conflict do nothing;
    if not found then
      ${OWN}.is_new := false;
      select o.resource_revision, o.realization_status into ${OWN}.known, ${OWN}.former from ${overall.qualifiedName} o where ${ofOverall} for no key update;
      if not found then perform intendant.refuse_leftover(0); end if;
    elsif cardinality(${points}) = 0 then
      perform from ${enforcement.qualifiedName} e where ${ofEnforcement} limit 1;
      if found then perform intendant.refuse_leftover(0); end if;
    end if;
  end if;

  if ${OWN}.is_new and ${revision} is null then
    ${returningInto(resource, insertText(String(upserts[0])))};
    ${OWN}.is_stored := found;
  end if;
  if ${OWN}.is_stored then null;
  ${
    replacement === undefined
      ? ''
      : `elsif ${revision} > 0 then
    ${returningInto(resource, replacement.inFunction)};
  `
  }elsif ${revision} is null then
    ${upserts
      .map((text) => returningInto(resource, text))
      .join(`;
  else
    `)};
  end if;
  if not ${OWN}.is_stored and not found then raise exception 'the resource is at another revision' using errcode = '${REFUSED_SQLSTATE}'; end if;
  if not ${OWN}.is_new and ${OWN}.known > 0 and ${OWN}.stored.revision <= ${OWN}.known then
    perform intendant.refuse_leftover(${OWN}.known);
  end if;

  if ${selector} is not null then
    select coalesce(array_agg(p.id order by p.id), '{}') into ${OWN}.wanted from intendant.enforcement_point p
    where p.state = 'live' and ${quoteLiteral(pointTableName(tables))} = any (p.table_names)
      and intendant.labels_match(p.labels, ${selector});
  end if;

  if not ${OWN}.is_new then
    select count(*), count(*) filter (where ${isNamed}),
      count(*) filter (where e.realization_status = ${DELETION_REALIZED} and (${isNamed}) is not true)
    into ${OWN}.rows_there, ${OWN}.rows_named, ${OWN}.rows_gone from ${enforcement.qualifiedName} e where ${ofEnforcement};
    if ${OWN}.rows_gone > 0 then
      delete from ${enforcement.qualifiedName} e
      where ${ofEnforcement} and e.realization_status = ${DELETION_REALIZED} and (${isNamed}) is not true;
    end if;
    if ${OWN}.rows_there > ${OWN}.rows_gone then
      update ${enforcement.qualifiedName} e
      set realization_status = case when ${isStaying} then ${PENDING} else ${DELETION_PENDING} end,
        is_removal = not ${isStaying}, attempt = null, resource_revision = ${OWN}.stored.revision, updated_at = clock_timestamp()
      where ${ofEnforcement};
    end if;
  end if;

  if cardinality(${OWN}.wanted) > 0 and (${OWN}.is_new or ${OWN}.rows_named < cardinality(${OWN}.wanted)) then
    foreach point in array ${OWN}.wanted loop
      if ${mayRefusePoint(tables, `${OWN}.point`)} and not exists (
        select from ${enforcement.qualifiedName} e where ${ofEnforcement} and e.${POINT_COLUMN} = ${OWN}.point
      ) then perform ${refusePoint(tables, `${OWN}.point`, `${selector} is not null`)}; end if;
    end loop;
    if cardinality(${OWN}.wanted) = 1 then
      insert into ${enforcement.qualifiedName} as e
        (${columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
      values (${identity.join(', ')}, ${OWN}.wanted[1], ${PENDING}, '', ${OWN}.stored.revision, false)
      on conflict do nothing;
    else
      insert into ${enforcement.qualifiedName} as e
        (${columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
      select ${identity.join(', ')}, w.id, ${PENDING}, '', ${OWN}.stored.revision, false
      from unnest(${OWN}.wanted) as w (id) order by w.id
      on conflict do nothing;
    end if;
    get diagnostics changed = row_count;
    if ${OWN}.is_new and ${OWN}.changed < cardinality(${OWN}.wanted) then perform intendant.refuse_leftover(0); end if;
  end if;

  if not ${OWN}.is_new or ${OWN}.stored.revision <> 1 then
    update ${overall.qualifiedName} o
    set realization_status = case
        when ${OWN}.wanted is null and ${OWN}.former = ${REALIZED} and ${OWN}.rows_there = ${OWN}.rows_gone then ${REALIZED} else ${PENDING} end,
      additional_details = '', resource_revision = ${OWN}.stored.revision,
      placement_selector = case when ${OWN}.wanted is null then o.placement_selector else ${selector} end,
      updated_at = clock_timestamp()
    where ${ofOverall};
  end if;

  if cardinality(${OWN}.wanted) = 0 and not (${OWN}.is_new and ${selector} is null and ${OWN}.stored.revision = 1) then
    update ${overall.qualifiedName} o set realization_status = ${REALIZED}, updated_at = clock_timestamp()
    where ${ofOverall} and not exists (select from ${enforcement.qualifiedName} e where ${ofEnforcement});
  end if;

  ${OWN}.identity := ${identityJson(tables, identity)};
  ${OWN}.job_key := ${identityKeyText(tables, identity)};
  if ${OWN}.is_new and cardinality(${OWN}.wanted) = 0 then null;
  elsif ${OWN}.is_new and cardinality(${OWN}.wanted) = 1 then
    perform intendant.add_job(${queueText(tables, `${OWN}.wanted[1]`)}, ${OWN}.identity, ${OWN}.job_key, ${ownerText(tables, identity)}, 0);
  else
    for point in
      select e.${POINT_COLUMN} from ${enforcement.qualifiedName} e
      where ${ofEnforcement} and e.realization_status in (${PENDING}, ${DELETION_PENDING})
      order by e.${POINT_COLUMN}
    loop
      perform intendant.add_job_unless_waiting(${queueText(tables, `${OWN}.point`)}, ${OWN}.identity, ${OWN}.job_key, ${ownerText(tables, identity)}, 0);
    end loop;
  end if;
  return ${OWN}.stored;`,
  });
  return made && { ...made, upserts: [...upserts, ...(replacement ? [replacement.text] : [])] };
});

/** The same statement for a row that does not exist. Unlike an upsert it fires no update triggers. */
const insertText = (upsert: string): string => `${upsert.slice(0, upsert.indexOf(ON_CONFLICT))}${ON_CONFLICT} do nothing
    ${upsert.slice(upsert.lastIndexOf('returning'))}`;

const ON_CONFLICT = '\n    on conflict';

const upsertText = (table: RegisteredTable, revision: string | undefined): string =>
  upsertStatement(table, { values: suppliedColumns(table).map((): WireValue => null), revision }).text;

/**
 * On Citus a row with a revision from 1 on only replaces, by a statement of its own. In the function its parameters are those
 * of the function. Undefined on one server.
 */
function replacementOf(table: RegisteredTable, revision: string): { text: string; inFunction: string } | undefined {
  const row = { values: suppliedColumns(table).map((_, index) => `$${index + 1}`), revision };
  if (!onlyReplaces(table, row)) return undefined;
  const { text, values = [] } = upsertStatement(table, row);
  return { text, inFunction: text.replace(/\$(\d+)/g, (_, place) => String(values[Number(place) - 1])) };
}

/** The same statement with the row in a variable, with the types in the function's signature. */
const returningInto = (table: RegisteredTable, upsert: string): string =>
  `${upsert.slice(0, upsert.lastIndexOf('returning')).trim()}
    returning ${table.columns.map(({ name, format }) => `stored.${quoteIdentifier(name)}::${format.sqlType}`).join(', ')} into ${OWN}.stored`;
