import { createRequire } from 'node:module';
import type { ClientBase, QueryResult } from 'pg';
import { type ConstructorOptions, PgBoss } from 'pg-boss';
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

/** The version of pg-boss' schema in this database; null when there is none. */
export async function installedVersion(client: ClientBase): Promise<number | null> {
  const boss = pgBossOn((text, values) => client.query(text, values));
  return (await boss.isInstalled()) ? boss.schemaVersion() : null;
}

const manifest = createRequire(import.meta.url)('pg-boss/package.json') as {
  readonly pgboss: { readonly schema: number };
};

/** The version of its schema that this release of pg-boss works with. */
export const WANTED_VERSION = manifest.pgboss.schema;

/** A plan of pg-boss without its own BEGIN and COMMIT, for a transaction that is open. */
export const insideTransaction = (plan: string): string => plan.replace(/^\s*BEGIN;/, '').replace(/COMMIT;\s*$/, '');
