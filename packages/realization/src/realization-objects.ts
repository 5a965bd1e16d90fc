import { DB_ROLES, type DbRole } from '@intendant/core';
import type { FrameworkObjects, RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { rowChanges, rowFunctions, tableFunctions, workerFunctions } from './function-part.ts';
import { loggedTables, statusLogFunction } from './history/status-log.ts';
import { JOBS_SCHEMA } from './job/job-functions.ts';
import { FOR_SERVICE, FOR_WORKERS, FOR_WRITERS } from './job/job-schema.ts';
import { ANALYZE_FUNCTIONS } from './maintenance/analyze-grown.ts';
import { POINT_FUNCTIONS } from './point/point-schema.ts';
import { statusTablesAmong } from './resource/status-tables.ts';
import type { Functions } from './schema/function-plan.ts';

const WRITERS: readonly DbRole[] = DB_ROLES.filter((role) => role.endsWith('writer'));

/** Callers read their own rows, and those of tables that belong to no org or instance. */
const OWN_ROWS = { org: 'nullable', instance: 'nullable' } as const;
/** These rows are the same for every caller. */
const ALL_CALLERS = { org: 'absent', instance: 'absent' } as const;

/**
 * The objects of realization in schema `intendant`, and their rights: the service role uses all of them; callers read
 * and write their own rows.
 */
export const realizationObjects = (tables: readonly RegisteredTable[]): FrameworkObjects => ({
  tables: [
    { name: 'enforcement_point', callers: ALL_CALLERS },
    { name: 'point_rollout' },
    { name: 'point_worker' },
    { name: 'resync' },
    { name: 'job_sweep' },
    { name: 'job_bell' },
    { name: 'status_history', callers: OWN_ROWS },
    { name: 'status_change', callers: OWN_ROWS },
    { name: 'status_count', callers: OWN_ROWS },
  ],
  sequences: {
    operation_seq: Object.fromEntries(WRITERS.map((role) => [role, ['usage']])),
  },
  functions: {
    ...open(FOR_WRITERS, ['service', ...WRITERS]),
    ...open(POINT_FUNCTIONS, [...WRITERS]),
    ...open(rowFunctions(tables), [...DB_ROLES]),
    ...open(rowChanges(tables), [...WRITERS]),
    ...open(tableFunctions(tables), [...WRITERS]),
    ...open(FOR_WORKERS, ['writer']),
    ...open(workerFunctions(tables), ['writer']),
    ...open(FOR_SERVICE, ['service']),
    ...open(ANALYZE_FUNCTIONS, ['service']),
    ...Object.fromEntries(
      statusTablesAmong(tables)
        .flatMap(loggedTables)
        .map((logged) => [`${statusLogFunction(logged)}()`, []]),
    ),
  },
});

const open = (functions: Functions, roles: NonNullable<FrameworkObjects['functions']>[string]) =>
  Object.fromEntries(Object.keys(functions).map((signature) => [signature, roles]));

/** All tables of pg-boss, in the version that is installed. */
export async function jobObjects(client: ClientBase): Promise<FrameworkObjects> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = to_regnamespace('${JOBS_SCHEMA}') and relkind in ('r', 'p') order by 1`,
  );
  return { schema: JOBS_SCHEMA, tables: rows };
}
