/**
 * The functions on the job tables run with the owner's rights, and tenants may call them with SQL of their own. So a
 * role that is limited to an org may add and retry only jobs of that org: the identity and org in the arguments are
 * compared with the org of its scope, as row security does. The org is the first part of an identity, if the table has
 * one.
 */

/** The scope of the caller. The role inside a SECURITY DEFINER function is another one. */
const ORG = `pg_catalog.current_setting('intendant.org_id', true)`;

const isRole = (ending: string): string => `pg_catalog.current_setting('role') operator(pg_catalog.~~) '%\\_${ending}'`;

/** Whether the caller is limited to an org, in SQL without a search_path. The service's own scope names none. */
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

/** Refuses a set of jobs if one of them belongs to another org. For functions with parameters of these names. */
export const refuseOthersJobs = (functionName: string): string => `
  if ${IS_TENANT} and not (
    case when ${hasOrgs('schema_name', 'table_name')}
      then not exists (select from unnest(identities) as asked (identity) where asked.identity ->> 0 is distinct from ${ORG})
        and not exists (select from unnest(org_ids) as asked (org_id) where asked.org_id is distinct from ${ORG})
      else ${isTable('schema_name', 'table_name')}
        and not exists (select from unnest(org_ids) as asked (org_id) where asked.org_id is not null)
    end)
  then ${refusal(functionName)} end if;`;

/** Decodes the part of a queue's name at this place. */
const partOf = (queue: string, place: number): string => {
  const part = `pg_catalog.split_part(${queue}, '/', ${place})`;
  return `case when ${part} operator(pg_catalog.~~) '.%'
        then pg_catalog.convert_from(pg_catalog.decode(pg_catalog.substr(${part}, 2), 'hex'), 'UTF8') else ${part} end`;
};

/**
 * The same for one job with a key from the caller: the key must begin with the org, otherwise the job could replace
 * another org's job. Without an org, the table must be one without orgs. The conditions of the common path contain no
 * sub-select, because PL/pgSQL would plan it as a query.
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
