import type pg from 'pg';
import { ConfigurationError, IntendantError } from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';

/** Errors when two sessions change one catalog row: "tuple concurrently updated", a deadlock, or the same name created twice. */
export const isCatalogConflict = (error: unknown): boolean =>
  error instanceof Error &&
  ['XX000', '40P01', '40001', '23505', '42710'].includes(String((error as { code?: unknown }).code));

/** The error that `register` throws for this one. */
export function asSchemaError(error: unknown, hasAdminConnection: boolean): unknown {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  if (code === '42501') return mayNotChange(error as Error, hasAdminConnection);
  if (code === '23514') return brokenRule(error as pg.DatabaseError);
  return error instanceof IntendantError ? error : translateError(error, { operation: 'register' });
}

function brokenRule(error: pg.DatabaseError): ConfigurationError {
  const { table, constraint } = error.table === undefined ? ruleOfShard(error) : error;
  const rule = constraint?.endsWith('_org_id_check') ? 'no org_id may be empty' : 'its values are no longer allowed';
  return new ConfigurationError(
    `register: rows of table ${table} break the rule ${constraint} (${rule}); change or delete them first`,
    { cause: error, details: { table, constraint } },
  );
}

/** Citus passes on only the message of a node. The names in it are those of a shard, which end with its number. */
function ruleOfShard({ message }: pg.DatabaseError): { table: string | undefined; constraint: string | undefined } {
  const [, constraint, , table] = /"(.+)_(\d+)".*"(.+)_\2"/.exec(message) ?? [];
  return { table, constraint };
}

function mayNotChange(error: Error, hasAdminConnection: boolean): ConfigurationError {
  const message = hasAdminConnection
    ? `register: the login of adminConnection may not change the schema (${error.message}); give an adminConnection that may create roles and tables`
    : `register: the schema must be changed, which the application login may not do (${error.message}), and no adminConnection was given; give an adminConnection that may create roles and tables, here or in the job that deploys`;
  return new ConfigurationError(message, { cause: error });
}
