import { identitySql } from './identity-set.ts';
import { isElsewhere, type RowFunction, rowFunctionName } from './resource-rows.ts';
import { settledBody } from './settled-rows.ts';
import { perStatusTables, type StatusTables } from './status-tables.ts';
import { isIdentity } from './table-function.ts';

/*
 * The functions through which statements on the coordinator reach resources on the nodes (see resource-rows.ts). They run with the
 * rights of their caller, so the policies of the shards apply.
 *
 * Citus chooses the shards when it knows the values, so plans are not kept. The first parameter is only there for the type of the
 * result: a function that named the table as its result would prevent that the table is dropped.
 */

/** The text of each function, by signature. None for a table on the same server. */
export const readingFunctions = perStatusTables((tables): Readonly<Record<string, string>> => {
  if (!isElsewhere(tables)) return {};
  const { resource, overall } = tables;
  const { columns, same } = identitySql(overall);
  const arrays = overall.identity.map((_, index) => `$${index + 2}`).join(', ');
  const ofOrgs = resource.isTenanted ? ' where r.org_id = any ($2)' : '';
  const all = define(tables, 'resources', {
    suffix: '[]',
    body: `
begin
  return query
    select r.* from ${resource.qualifiedName} r
    join unnest(${arrays}) as i (${columns}) on ${same('r', 'i')}${ofOrgs};
end`,
  });
  return { ...all, ...define(tables, 'settled_resources', { suffix: '[]', body: settledBody(tables) }) };
});

/** Functions that change one row. */
export const changingFunctions = perStatusTables((tables): Readonly<Record<string, string>> => {
  if (!isElsewhere(tables)) return {};
  const { resource, overall } = tables;
  const ofResource = isIdentity(
    overall,
    'r',
    overall.identity.map((_, index) => `$${index + 2}`),
  );
  const isSoft = resource.definition.softDelete;
  const purge = define(tables, 'purge_resource', {
    body: returning(
      `delete from ${resource.qualifiedName} r where ${ofResource}${isSoft ? ' and r.deleted_at is not null' : ''} returning r.*`,
    ),
  });
  if (!isSoft) return purge;
  const hide = define(tables, 'hide_resource', {
    body: returning(
      `update ${resource.qualifiedName} r set deleted_at = statement_timestamp() where ${ofResource} and r.deleted_at is null returning r.*`,
    ),
  });
  return { ...purge, ...hide };
});

const returning = (query: string): string => `
begin
  return query ${query};
end`;

function define(
  tables: StatusTables,
  verb: RowFunction,
  { suffix = '', body }: { suffix?: string; body: string },
): Readonly<Record<string, string>> {
  const types = ['anyelement', ...tables.overall.identity.map(({ format }) => `${format.sqlType}${suffix}`)];
  const signature = `${rowFunctionName(tables, verb)}(${types.join(', ')})`;
  return {
    [signature]: `
create or replace function ${signature} returns setof anyelement
language plpgsql set plan_cache_mode = force_custom_plan
as $body$${body}
$body$`,
  };
}
