import { isInstanceScoped, isTenantScoped } from '../context/db-role.ts';
import type { Scope } from '../context/scope.ts';
import { InvalidRecordError, OperationNotAllowedError } from '../error/intendant-error.ts';
import type { WireValue } from '../exchange/statement.ts';
import type { Column } from '../table/column.ts';
import { ORG_ID, type RegisteredTable } from '../table/registered-table.ts';
import { printable } from './describe-key.ts';
import { encodeField } from './encode-field.ts';

/** Refuses an id outside the scope, before any SQL runs. The error contains only ids that the caller gave. */
export function checkScope(table: RegisteredTable, scope: Scope, field: string, named: unknown): void {
  if (field === 'orgId' && isTenantScoped(scope.role) && named !== scope.orgId) {
    throw refused(table, 'org', scope.orgId, named);
  }
  if (field === 'instanceId' && isInstanceScoped(scope.role) && named !== scope.instanceId) {
    throw refused(table, 'instance', scope.instanceId, named);
  }
}

function refused(
  table: RegisteredTable,
  noun: 'org' | 'instance',
  own: string | undefined,
  named: unknown,
): OperationNotAllowedError {
  const [mine, theirs] = [printable(own), printable(named)];
  return new OperationNotAllowedError(
    `${table.name}: the caller belongs to ${noun} ${mine} and has no access to ${noun} ${theirs}`,
    {
      details: { table: table.name, [`${noun}Id`]: mine, [`named${noun === 'org' ? 'OrgId' : 'InstanceId'}`]: theirs },
    },
  );
}

/** The org and instance of a record or key, checked. Missing ones are taken from the scope. */
export function ownIds(
  table: RegisteredTable,
  scope: Scope,
  given: { readonly orgId?: unknown; readonly instanceId?: unknown },
): { orgId: string | undefined; instanceId: string | undefined } {
  return {
    orgId: table.isTenanted ? ownId(table, scope, 'orgId', given.orgId, scope.orgId) : undefined,
    instanceId: table.isInstanced ? ownId(table, scope, 'instanceId', given.instanceId, scope.instanceId) : undefined,
  };
}

function ownId(
  table: RegisteredTable,
  scope: Scope,
  field: string,
  named: unknown,
  own: string | undefined,
): string | undefined {
  if (named === undefined || named === null) return own;
  const id = encodeField(table, table.columnByField.get(field) as Column, named) as string;
  if (id === '' && field === 'orgId')
    throw new InvalidRecordError(`${table.name}: orgId must not be empty`, { details: { table: table.name } });
  checkScope(table, scope, field, id);
  return id;
}

/**
 * The org that row security limits the scope to, if a statement must name it. On one server row security does that alone;
 * where tables are distributed, a statement that does not name the org asks every node.
 */
export const pinnedOrg = (table: RegisteredTable, scope: Scope): string | undefined =>
  table.placement === 'by-org' && isTenantScoped(scope.role) ? scope.orgId : undefined;

/** One value for a column of the identity. */
export interface IdentityValue {
  readonly column: Column;
  readonly value: WireValue;
}

/** The identity of a key or record: the values of its key columns, and of org and instance if they are known. */
export function readIdentity(
  table: RegisteredTable,
  scope: Scope,
  key: unknown,
  purpose: 'read' | 'change',
): IdentityValue[] {
  const fields = keyFields(table, key);
  for (const field of ['orgId', 'instanceId'] as const) {
    const named = fields[field];
    if (named !== undefined && table.columnByField.has(field)) ownId(table, scope, field, named, undefined);
  }
  const scoped = purpose === 'change' ? changedScope(table, scope, fields) : namedScope(table, scope, fields);
  return [
    ...scoped,
    ...table.key.map((column) => ({ column, value: encodeKeyField(table, column, fields[column.field]) })),
  ];
}

function keyFields(table: RegisteredTable, key: unknown): Record<string, unknown> {
  const isBare = typeof key !== 'object' || key === null || key instanceof Date || key instanceof Uint8Array;
  if (!isBare) return key as Record<string, unknown>;
  const [only, ...others] = table.key;
  if (others.length > 0) {
    throw new InvalidRecordError(
      `${table.name}: the key has several columns; give an object with ${table.key.map((column) => column.field).join(', ')}`,
      { details: { table: table.name } },
    );
  }
  return { [(only as Column).field]: key };
}

function encodeKeyField(table: RegisteredTable, column: Column, value: unknown): WireValue {
  if (value === undefined || value === null) {
    throw new InvalidRecordError(`${table.name}: the key has no value for ${column.field}`, {
      details: { table: table.name, column: column.field },
    });
  }
  return encodeField(table, column, value);
}

/** A read compares only with the given values, and with the org if it must be named; row security limits the rest. */
function namedScope(table: RegisteredTable, scope: Scope, fields: Record<string, unknown>): IdentityValue[] {
  return scopeColumns(table).flatMap((column) => {
    const named = fields[column.field] ?? (column === ORG_ID ? pinnedOrg(table, scope) : undefined);
    return named === undefined || named === null ? [] : [{ column, value: encodeField(table, column, named) }];
  });
}

/** A change concerns the record of one org, so under a role that sees all orgs, the org must be given. */
function changedScope(table: RegisteredTable, scope: Scope, fields: Record<string, unknown>): IdentityValue[] {
  const ids = ownIds(table, scope, fields);
  if (table.isTenanted && ids.orgId === undefined) throw orgUnknown(table);
  return scopeColumns(table).flatMap((column) => {
    const value = ids[column.field as 'orgId' | 'instanceId'];
    const isPart = table.identity.includes(column) || table.sharesKeys;
    return value === undefined || !isPart ? [] : [{ column, value }];
  });
}

export const orgUnknown = (table: RegisteredTable): InvalidRecordError =>
  new InvalidRecordError(`${table.name}: name the orgId, because the caller's role is not limited to one org`, {
    details: { table: table.name },
  });

const scopeColumns = (table: RegisteredTable): Column[] =>
  table.columns.filter((column) => column.field === 'orgId' || column.field === 'instanceId');
