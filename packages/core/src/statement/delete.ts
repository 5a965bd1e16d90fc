import type { Statement } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { aliveCondition, identityCondition, identityShape } from './find.ts';
import { perShape } from './per-table.ts';
import { uniqueKeyCondition } from './shared-key.ts';
import { currentTime, touched } from './update.ts';

interface DeleteShape {
  readonly identity: readonly IdentityValue[];
  readonly hasRevision: boolean;
}

const condition = ({ identity, hasRevision }: DeleteShape): string =>
  identityCondition(identity) + (hasRevision ? ` and revision = $${identity.length + 1}` : '');

const deleteText = perShape<DeleteShape>(
  (table, shape) => `
    delete from ${table.qualifiedName} as stored
    where ${condition(shape)}${uniqueKeyCondition(table, shape.identity, 'all')}`,
);

const softDeleteText = perShape<DeleteShape>(
  (table, shape) => `
    update ${table.qualifiedName} as stored
    set ${[`deleted_at = ${currentTime(table)}`, ...touched(table)].join(', ')}
    where ${condition(shape)}${aliveCondition(table)}${uniqueKeyCondition(table, shape.identity, 'alive')}`,
);

/** Deletes the row, whether it is soft-deleted or not. */
export const deleteStatement = (
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  revision: string | undefined,
): Statement => removal('delete', deleteText, table, identity, revision);

/** Sets `deleted_at` of the row, unless it is set already. */
export const softDeleteStatement = (
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  revision: string | undefined,
): Statement => removal('soft-delete', softDeleteText, table, identity, revision);

function removal(
  name: string,
  textOf: typeof deleteText,
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  revision: string | undefined,
): Statement {
  const hasRevision = revision !== undefined;
  const values = [...identity.map(({ value }) => value), ...(hasRevision ? [revision] : [])];
  return { name, text: textOf(table, `${identityShape(identity)} ${hasRevision}`, { identity, hasRevision }), values };
}
