import type { Statement } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns } from './column-list.ts';
import { quoteIdentifier } from './identifier.ts';
import { perShape } from './per-table.ts';

interface FindShape {
  readonly identity: readonly IdentityValue[];
  readonly includeDeleted: boolean;
}

const findText = perShape<FindShape>(
  (table, { identity, includeDeleted }) => `
    select ${allColumns(table)}
    from ${table.qualifiedName}
    where ${identityCondition(identity)}${aliveCondition(table, includeDeleted)}
    limit 2`,
);

/** Returns at most two rows. Two rows mean that the key alone does not identify a record for this caller. */
export function findStatement(
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  includeDeleted: boolean,
): Statement {
  const shape = `${identityShape(identity)} ${includeDeleted}`;
  return {
    name: 'find',
    text: findText(table, shape, { identity, includeDeleted }),
    values: identity.map(({ value }) => value),
  };
}

/** The columns of an identity. Those of the key are always included, so the number of the others is enough. */
export const identityShape = (identity: readonly IdentityValue[]): string =>
  identity.length === 1 ? '' : identity.map(({ column }) => column.name).join();

export const identityCondition = (identity: readonly IdentityValue[], first = 1): string =>
  identity.map(({ column }, index) => `${quoteIdentifier(column.name)} = $${first + index}`).join(' and ');

export const aliveCondition = (table: RegisteredTable, includeDeleted = false): string =>
  table.definition.softDelete && !includeDeleted ? ' and deleted_at is null' : '';
