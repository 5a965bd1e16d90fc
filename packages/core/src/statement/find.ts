import type { Statement } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns } from './column-list.ts';
import { quoteIdentifier } from './identifier.ts';

/** Two rows at most: one is the answer, two say that the key alone is ambiguous to this caller. */
export function findStatement(table: RegisteredTable, identity: readonly IdentityValue[], includeDeleted: boolean, lock = ''): Statement {
  return {
    name: 'find',
    text: `
    select ${allColumns(table)}
    from ${table.qualifiedName}
    where ${identityCondition(identity)}${aliveCondition(table, includeDeleted)}
    limit 2${lock}`,
    values: identity.map(({ value }) => value),
  };
}

export const identityCondition = (identity: readonly IdentityValue[], first = 1): string =>
  identity.map(({ column }, index) => `${quoteIdentifier(column.name)} = $${first + index}`).join(' and ');

export const aliveCondition = (table: RegisteredTable, includeDeleted = false): string =>
  table.definition.softDelete && !includeDeleted ? ' and deleted_at is null' : '';
