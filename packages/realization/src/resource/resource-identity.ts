import type { DeleteOptions } from '@intendant/core';
import { ConfigurationError, InvalidRecordError, MarkingFailedError } from '@intendant/core';
import {
  checkOptions,
  describeKey,
  type RegisteredTable,
  readIdentity,
  readRevision,
  type Scope,
} from '@intendant/core/internal';
import type { Removal } from '../intent/remove.ts';
import type { Identity } from './identity-set.ts';

/**
 * Returns the full identity of a key or record, with org and instance of the scope if they are missing.
 *
 * Throws InvalidRecordError if a store without an instancer names no instance in a table for which another store
 * distinguishes instances: each instance has status rows of its own.
 */
export function identityOf(table: RegisteredTable, scope: Scope, key: unknown): Identity {
  const named = new Map(readIdentity(table, scope, key, 'change').map(({ column, value }) => [column, value]));
  if (table.sharesKeys && table.identity.some((column) => column.name === 'instance_id' && !named.has(column)))
    throw withoutInstance(table, key);
  return table.identity.map((column) => named.get(column) ?? '');
}

const withoutInstance = (table: RegisteredTable, key: unknown): InvalidRecordError =>
  new InvalidRecordError(
    `${table.name} ${JSON.stringify(describeKey(table, key))}: this store has no instancer, and another store keeps resources of several instances in the table; name the instanceId`,
    { details: { table: table.name, key: describeKey(table, key) } },
  );

/** Throws ConfigurationError for an unknown option. */
export function removalOf(table: RegisteredTable, scope: Scope, key: unknown, options: DeleteOptions): Removal {
  checkOptions<DeleteOptions>(table.name, options, { revision: true, signal: true });
  return { identity: identityOf(table, scope, key), revision: readRevision(table, options.revision) ?? null };
}

/** Returns the revision of a mark. Throws MarkingFailedError if it names none. */
export function markedRevision(table: RegisteredTable, reference: { readonly revision: number }): number {
  const revision = readRevision(table, reference?.revision);
  if (revision !== undefined) return Number(revision);
  throw new MarkingFailedError(
    `${table.name}: a mark must contain the revision that it reports on, as in { id, revision }`,
    {
      details: { table: table.name },
    },
  );
}

export function checkSoftDeletion(table: RegisteredTable): void {
  if (table.definition.softDelete) return;
  throw new ConfigurationError(`${table.name} was defined with softDelete: false; use delete`, {
    details: { table: table.name },
  });
}
