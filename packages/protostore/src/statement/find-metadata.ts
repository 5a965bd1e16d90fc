import type { IdentityValue, RegisteredTable, Statement } from '@intendant/core/internal';
import { identityCondition, metadataColumnList } from './message-columns.ts';

/** Reads the metadata without the message, which may be large. Two rows mean that the caller sees several messages with this id. */
export const findMetadata = (
  table: RegisteredTable,
  identity: readonly IdentityValue[],
  includeDeleted: boolean,
): Statement => ({
  name: 'find-metadata',
  text: `select ${metadataColumnList(table)}
    from ${table.qualifiedName}
    where ${identityCondition(identity, 1)} ${includeDeleted ? '' : 'and deleted_at is null'}
    limit 2`,
  values: identity.map(({ value }) => value),
});
