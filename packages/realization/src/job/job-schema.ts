import { createHash } from 'node:crypto';
import { DB_ROLES } from '@intendant/core';
import { type DataStoreInternals, quoteIdentifier, quoteLiteral, type SchemaPart } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { getConstructionPlans, getMigrationPlans } from 'pg-boss';
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
    ...(await planFunctions(client)),
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

/** The text of a function stands as a hash in its comment, so that a changed one is seen. */
async function planFunctions(client: ClientBase): Promise<string[]> {
  const plan: string[] = [];
  for (const [signature, sql] of Object.entries(FUNCTIONS)) {
    const fingerprint = `intendant ${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`;
    const found = await client.query("select obj_description(to_regprocedure($1), 'pg_proc') as comment", [signature]);
    if (found.rows[0].comment === fingerprint) continue;
    plan.push(
      sql,
      `comment on function ${signature} is ${quoteLiteral(fingerprint)}`,
      `revoke all on function ${signature} from public`,
    );
  }
  return plan;
}

async function planGrants(client: ClientBase, store: DataStoreInternals): Promise<string[]> {
  const login = quoteIdentifier(await store.loginName());
  const callers = [
    login,
    ...DB_ROLES.filter((role) => role.endsWith('writer')).map((role) => quoteIdentifier(store.roleName(role))),
  ];
  const wanted = [
    ...(await missingGrants(client, callers)),
    ...(await missingJobGrants(client, await store.loginName(), login)),
  ];
  return wanted;
}

async function missingGrants(client: ClientBase, callers: readonly string[]): Promise<string[]> {
  const plan: string[] = [];
  for (const signature of Object.keys(FUNCTIONS)) {
    const granted = await grantees(client, signature);
    const missing = callers.filter((caller) => !granted.has(caller));
    if (missing.length > 0) plan.push(`grant execute on function ${signature} to ${missing.join(', ')}`);
  }
  if (plan.length > 0) plan.push(`grant usage on schema intendant to ${callers.join(', ')}`);
  return plan;
}

async function grantees(client: ClientBase, signature: string): Promise<Set<string>> {
  const found = await client.query(
    `select quote_ident(r.rolname) as name
     from pg_proc p cross join aclexplode(p.proacl) a join pg_roles r on r.oid = a.grantee
     where p.oid = to_regprocedure($1) and a.privilege_type = 'EXECUTE'`,
    [signature],
  );
  return new Set(found.rows.map(({ name }) => (name.startsWith('"') ? name : `"${name}"`)));
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
