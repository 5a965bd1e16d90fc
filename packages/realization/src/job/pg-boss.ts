import type { QueryResult } from 'pg';
import { type ConstructorOptions, getConstructionPlans, getMigrationPlans, PgBoss } from 'pg-boss';
import { JOBS_SCHEMA } from './job-functions.ts';

/** Runs one text of SQL, which may have several statements. */
export type RunSql = (text: string, values?: unknown[]) => Promise<QueryResult | QueryResult[]>;

/** pg-boss on our schema: its public API works on our queues, and nothing of it runs by itself. */
export const pgBossOn = (run: RunSql, options: ConstructorOptions = {}): PgBoss =>
  new PgBoss({
    schema: JOBS_SCHEMA,
    migrate: false,
    supervise: false,
    schedule: false,
    registerInstance: false,
    ...options,
    // pg-boss takes a result or an array of them, as pg returns it for several statements.
    db: { executeSql: (text, values) => run(text, values) as Promise<QueryResult> },
  });

/** Makes its tables, or changes those of an earlier version, for a transaction that is open. */
export const planPgBoss = (installed: number | null): string =>
  insideTransaction(installed === null ? getConstructionPlans(JOBS_SCHEMA) : getMigrationPlans(JOBS_SCHEMA, installed));

/** A plan of pg-boss without its own BEGIN and COMMIT, for a transaction that is open. */
export const insideTransaction = (plan: string): string => plan.replace(/^\s*BEGIN;/, '').replace(/COMMIT;\s*$/, '');
