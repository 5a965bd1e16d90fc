import { type DataStoreInternals, quoteIdentifier, type SchemaPart } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { getConstructionPlans, getMigrationPlans } from 'pg-boss';
import { planExecution, planFunctions, WRITING_ROLES } from '../schema/function-plan.ts';
import { ENQUEUE_JOBS, JOB_KEY_PART, JOBS_SCHEMA, REFUSE_LEFTOVER } from './job-functions.ts';

const FUNCTIONS: Record<string, string> = {
  'intendant.job_key_part(text)': JOB_KEY_PART,
  'intendant.enqueue_jobs(text, text, text[], jsonb[], text[], integer)': ENQUEUE_JOBS,
  'intendant.refuse_leftover(bigint)': REFUSE_LEFTOVER,
};

/**
 * pg-boss' tables in a schema of their own, the functions that reach them, and the rights: the login works on the job
 * tables, the writing roles may call the functions. pg-boss itself never runs DDL in an application's process.
 */
export const jobSchemaPart = (store: DataStoreInternals): SchemaPart => ({
  name: 'realization jobs',
  plan: async (client) => [
    ...(await planJobTables(client)),
    ...(await planSchema(client)),
    ...(await planFunctions(client, FUNCTIONS)),
    ...(await planGrants(client, store)),
  ],
});

async function planJobTables(client: ClientBase): Promise<string[]> {
  const installed = await installedVersion(client);
  if (installed === null) return [insideTransaction(getConstructionPlans(JOBS_SCHEMA))];
  return installed < WANTED_VERSION ? [insideTransaction(getMigrationPlans(JOBS_SCHEMA, installed))] : [];
}

async function installedVersion(client: ClientBase): Promise<number | null> {
  const table = await client.query(`select to_regclass('${JOBS_SCHEMA}.version') as name`);
  if (table.rows[0].name === null) return null;
  const version = await client.query(`select version from ${JOBS_SCHEMA}.version`);
  return Number(version.rows[0]?.version ?? 0);
}

/** pg-boss tells the version of its schema only in what it would run. */
const WANTED_VERSION = Number(
  /INSERT INTO \S+version\(version\) VALUES \('(\d+)'\)/.exec(getConstructionPlans(JOBS_SCHEMA))?.[1],
);

/** register's own transaction is open already. */
const insideTransaction = (plan: string): string => plan.replace(/^\s*BEGIN;/, '').replace(/COMMIT;\s*$/, '');

async function planSchema(client: ClientBase): Promise<string[]> {
  const found = await client.query("select from pg_namespace where nspname = 'intendant'");
  return found.rowCount === 0 ? ['create schema if not exists intendant'] : [];
}

async function planGrants(client: ClientBase, store: DataStoreInternals): Promise<string[]> {
  const login = quoteIdentifier(await store.loginName());
  const callers = [await store.loginName(), ...WRITING_ROLES.map((role) => store.roleName(role))];
  return [
    ...(await planExecution(client, Object.keys(FUNCTIONS), callers)),
    ...(await missingJobGrants(client, await store.loginName(), login)),
  ];
}

async function missingJobGrants(client: ClientBase, loginName: string, login: string): Promise<string[]> {
  const found = await client.query(
    `select bool_and(has_schema_privilege($1, n.oid, 'USAGE') and has_table_privilege($1, c.oid, 'SELECT, INSERT')
       and has_table_privilege($1, c.oid, 'UPDATE') and has_table_privilege($1, c.oid, 'DELETE')) as granted
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = '${JOBS_SCHEMA}' and c.relkind in ('r', 'p')`,
    [loginName],
  );
  if (found.rows[0].granted === true) return [];
  return [
    `grant usage on schema ${JOBS_SCHEMA} to ${login}`,
    `grant select, insert, update, delete on all tables in schema ${JOBS_SCHEMA} to ${login}`,
    `grant execute on all functions in schema ${JOBS_SCHEMA} to ${login}`,
  ];
}
