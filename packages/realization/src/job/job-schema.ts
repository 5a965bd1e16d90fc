import type { ClientBase } from 'pg';
import { getConstructionPlans, getMigrationPlans } from 'pg-boss';
import { type Functions, planFunctions } from '../schema/function-plan.ts';
import { CREATE_SWEEP_TABLE, SWEEP_TABLE } from '../sweep/sweep.ts';
import { CLAIM_BAND, CLAIM_JOBS, CREATE_FAIR_INDEX, FAIR_INDEX, PICK_DUE, TENANTS_AFTER } from './claim-functions.ts';
import { CREATE_JOB_BELL } from './job-bell.ts';
import {
  ADD_JOB,
  ADD_JOB_UNLESS_WAITING,
  ENQUEUE_JOBS,
  HAS_JOB,
  JOB_KEY_PART,
  JOBS_SCHEMA,
  REFUSE_LEFTOVER,
  REMOVE_JOBS,
} from './job-functions.ts';
import { insideTransaction, installedVersion, WANTED_VERSION } from './pg-boss.ts';
import { hasEarlierSettings, updateEarlierSettings } from './queue-settings.ts';
import { NEXT_DUE_JOB } from './reschedule.ts';
import { RETRY_JOBS } from './retry-function.ts';

export const FOR_WRITERS: Functions = {
  'intendant.job_key_part(text)': JOB_KEY_PART,
  'intendant.enqueue_jobs(text, text, text[], jsonb[], text[], integer)': ENQUEUE_JOBS,
  'intendant.add_job(text, jsonb, text, text, integer)': ADD_JOB,
  'intendant.add_job_unless_waiting(text, jsonb, text, text, integer)': ADD_JOB_UNLESS_WAITING,
  'intendant.refuse_leftover(bigint)': REFUSE_LEFTOVER,
  'intendant.retry_jobs(text, text, text[], jsonb[], text[])': RETRY_JOBS,
};

/** Of the status tables' side, as the service-wide writer; a tenant is not to learn of others' jobs. */
export const FOR_WORKERS: Functions = {
  'intendant.has_job(text, text, text, jsonb)': HAS_JOB,
  'intendant.remove_jobs(text, uuid[], integer[])': REMOVE_JOBS,
};

export const FOR_SERVICE: Functions = {
  'intendant.tenants_after(text, boolean, timestamptz, text, text, integer)': TENANTS_AFTER,
  'intendant.pick_due(text, boolean, timestamptz, text[], integer, uuid[])': PICK_DUE,
  'intendant.claim_band(text, boolean, timestamptz, integer, text)': CLAIM_BAND,
  'intendant.claim_jobs(text, integer, text, boolean)': CLAIM_JOBS,
  'intendant.next_due_job(text[])': NEXT_DUE_JOB,
};

/**
 * pg-boss' tables in a schema of their own, and the functions that reach them. pg-boss itself never runs DDL in an application's process.
 */
export const planJobs = async (client: ClientBase): Promise<string[]> => [
  ...(await planJobTables(client)),
  ...(await planMissing(client, `${JOBS_SCHEMA}.${FAIR_INDEX}`, CREATE_FAIR_INDEX)),
  ...(await planSchema(client)),
  ...(await planMissing(client, SWEEP_TABLE, CREATE_SWEEP_TABLE)),
  ...(await planMissing(client, 'intendant.job_bell', CREATE_JOB_BELL)),
  ...(await planFunctions(client, { ...FOR_WRITERS, ...FOR_WORKERS, ...FOR_SERVICE })),
];

async function planJobTables(client: ClientBase): Promise<string[]> {
  const installed = await installedVersion(client);
  if (installed === null) return [insideTransaction(getConstructionPlans(JOBS_SCHEMA))];
  if (installed < WANTED_VERSION) return [insideTransaction(getMigrationPlans(JOBS_SCHEMA, installed))];
  const { rows } = await client.query<{ is_earlier: boolean }>(hasEarlierSettings(JOBS_SCHEMA));
  return rows[0]?.is_earlier ? updateEarlierSettings(JOBS_SCHEMA) : [];
}

async function planSchema(client: ClientBase): Promise<string[]> {
  const found = await client.query("select from pg_namespace where nspname = 'intendant'");
  return found.rowCount === 0 ? ['create schema if not exists intendant'] : [];
}

async function planMissing(client: ClientBase, relation: string, create: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string | null }>('select to_regclass($1) as name', [relation]);
  return rows[0]?.name === null ? [create] : [];
}
