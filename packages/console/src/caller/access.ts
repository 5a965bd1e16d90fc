import { OperationNotAllowedError } from '@intendant/core';
import type { DataStoreInternals, Scope } from '@intendant/core/internal';
import { RefusedRequest } from '../http/problem.ts';
import { type RealizedTable, realizedTables, tablesOf } from '../resource/realized-table.ts';

/** A table that a caller may read, with the scope to read it under. */
export interface ReadableTable extends RealizedTable {
  readonly scope: Scope;
}

/** What a caller may see and do, as the store's authorizer decides it. */
export interface Access {
  readonly tables: readonly ReadableTable[];
  /** The org that the caller is limited to; undefined for a caller who sees several. */
  readonly orgId: string | undefined;
  /** Whether the caller sees all tenants of an instance, or of all instances. */
  readonly seesAllTenants: boolean;
  /**
   * Whether the caller sees everything, including what belongs to the service and not to a tenant, e.g. queues and
   * subscriptions.
   */
  readonly seesService: boolean;
  /** Whether the caller may write to at least one table. */
  readonly mayWrite: boolean;
}

/** Throws what reading the context throws, e.g. MissingOrgIdError. */
export function readAccess(store: DataStoreInternals, context: unknown): Access {
  const tables = realizedTables(store).flatMap((table) => readable(store, context, table));
  const scopes = tables.map(({ scope }) => scope);
  const has = (test: (scope: Scope) => boolean): boolean => scopes.length > 0 && scopes.every(test);
  return {
    tables,
    orgId: scopes.find(isTenantScope)?.orgId,
    seesAllTenants: has((scope) => !isTenantScope(scope)),
    seesService: has(({ role }) => role === 'reader' || role === 'writer'),
    mayWrite: scopes.some(isWriter),
  };
}

function readable(store: DataStoreInternals, context: unknown, table: RealizedTable): ReadableTable[] {
  try {
    return [{ ...table, scope: store.scopeOf(context, tablesOf(table)) }];
  } catch (error) {
    if (error instanceof OperationNotAllowedError) return [];
    throw error;
  }
}

const isTenantScope = ({ role }: Scope): boolean => role.startsWith('tenant_');

export const isWriter = ({ role }: Scope): boolean => role.endsWith('writer');

/** Throws an error with status 404 for a table that does not exist or that the caller may not read. */
export function tableOf({ tables }: Access, name: string): ReadableTable {
  const table = tables.find((candidate) => candidate.name === name);
  if (table) return table;
  throw new RefusedRequest(
    404,
    `There is no table of this name. There are: ${tables.map((known) => known.name).join(', ')}.`,
  );
}

/** Throws an error with status 403 for a caller who is limited to a tenant or an instance. */
export function demandService({ seesService }: Access): void {
  if (!seesService) throw new RefusedRequest(403, 'Only a caller who may see all tenants may see this.');
}
