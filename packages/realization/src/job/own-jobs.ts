/*
 * The functions on the job tables run with the owner's rights, and a tenant may call them by SQL of its own. So a role that
 * is held to an org adds and retries jobs of that org alone: what it says of the identity and the org is compared with the
 * org of its scope, which row security goes by too. The org is the first part of an identity, where the table has one.
 */

/** The scope of the caller; a definer's own role is another. */
const ORG = `pg_catalog.current_setting('intendant.org_id', true)`;

const isRole = (ending: string): string => `pg_catalog.current_setting('role') operator(pg_catalog.~~) '%\\_${ending}'`;

/** Whether the caller is held to an org, in SQL without a search_path. The service's own scope names none. */
const IS_TENANT = `(${isRole('tenant\\_writer')} or ${isRole('tenant\\_instance\\_writer')})
    and ${ORG} operator(pg_catalog.<>) ''`;

const hasOrgs = (schemaName: string, tableName: string): string => `exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid operator(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.format('%I.%I', ${schemaName}, ${tableName}))
          and a.attname operator(pg_catalog.=) 'org_id'
      )`;

const isTable = (schemaName: string, tableName: string): string =>
  `pg_catalog.to_regclass(pg_catalog.format('%I.%I', ${schemaName}, ${tableName})) is not null`;

const refusal = (functionName: string): string =>
  `raise insufficient_privilege using message = '${functionName}: a job of another org';`;

/** Refuses a set of jobs of which one is another org's. For functions with parameters of these names. */
export const refuseOthersJobs = (functionName: string): string => `
  if ${IS_TENANT} and not (
    case when ${hasOrgs('schema_name', 'table_name')}
      then not exists (select from unnest(identities) as asked (identity) where asked.identity ->> 0 is distinct from ${ORG})
        and not exists (select from unnest(org_ids) as asked (org_id) where asked.org_id is distinct from ${ORG})
      else ${isTable('schema_name', 'table_name')}
        and not exists (select from unnest(org_ids) as asked (org_id) where asked.org_id is not null)
    end)
  then ${refusal(functionName)} end if;`;

/** The encoded part of a queue's name at this place, as it was before. */
const partOf = (queue: string, place: number): string => {
  const part = `pg_catalog.split_part(${queue}, '/', ${place})`;
  return `case when ${part} operator(pg_catalog.~~) '.%'
        then pg_catalog.convert_from(pg_catalog.decode(pg_catalog.substr(${part}, 2), 'hex'), 'UTF8') else ${part} end`;
};

/**
 * The same for one job, whose key was made by the caller: it must begin with the org, or the job would take the place of another's.
 * Without an org, the table must be one that has none. The conditions of the common path have no sub-select, which PL/pgSQL
 * would plan as a query.
 */
export const refuseOthersJob = (functionName: string, orgKey: string): string => `
  if ${IS_TENANT} then
    if $4 is not null then
      if $4 operator(pg_catalog.<>) ${ORG} or coalesce(($2 operator(pg_catalog.->>) 0) operator(pg_catalog.<>) $4, true)
        or not pg_catalog.starts_with($3, (${orgKey}) operator(pg_catalog.||) '/')
      then ${refusal(functionName)} end if;
    elsif not (${isTable(partOf('$1', 1), partOf('$1', 2))} and not ${hasOrgs(partOf('$1', 1), partOf('$1', 2))})
    then ${refusal(functionName)} end if;
  end if;`;
