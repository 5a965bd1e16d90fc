import type { Statement, WireValue } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { aliveCondition, identityCondition } from './find.ts';
import { touched } from './update.ts';

/** Removes the row, soft-deleted or not. */
export function deleteStatement(table: RegisteredTable, identity: readonly IdentityValue[], revision: string | undefined): Statement {
  const values = identity.map(({ value }) => value);
  return {
    name: 'delete',
    text: `
    delete from ${table.qualifiedName}
    where ${identityCondition(identity)}${revisionCondition(values, revision)}`,
    values,
  };
}

export function softDeleteStatement(table: RegisteredTable, identity: readonly IdentityValue[], revision: string | undefined): Statement {
  const values = identity.map(({ value }) => value);
  return {
    name: 'soft-delete',
    text: `
    update ${table.qualifiedName}
    set ${['deleted_at = clock_timestamp()', ...touched(table)].join(', ')}
    where ${identityCondition(identity)}${revisionCondition(values, revision)}${aliveCondition(table)}`,
    values,
  };
}

function revisionCondition(values: WireValue[], revision: string | undefined): string {
  return revision === undefined ? '' : ` and revision = $${values.push(revision)}`;
}
