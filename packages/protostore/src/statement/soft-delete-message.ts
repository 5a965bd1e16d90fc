import type { IdentityValue, RegisteredTable, Statement } from '@intendant/core/internal';
import { softDeleteStatement } from '@intendant/core/internal';
import { metadataColumnList } from './message-columns.ts';

/** Core's soft delete, which returns the metadata of the row. */
export function softDeleteMessage(
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  revision: string | undefined,
): Statement {
  const statement = softDeleteStatement(table, identity, revision);
  return {
    ...statement,
    name: 'soft-delete-message',
    text: `${statement.text} returning ${metadataColumnList(table)}`,
  };
}
