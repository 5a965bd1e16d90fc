import { type IdentityValue, perTable, quoteIdentifier, type RegisteredTable, readRow } from '@intendant/core/internal';

/** The columns that a write returns: all except the message, which the writer has. */
const metadataColumns = perTable((table) =>
  table.columns.filter(({ name }) => name !== 'payload' && !name.startsWith('field_')),
);

export const metadataColumnList = perTable((table) =>
  metadataColumns(table)
    .map(({ name }) => quoteIdentifier(name))
    .join(', '),
);

/** The record, without the message, for a row of `metadataColumnList`. */
export const readMetadataRow = (table: RegisteredTable, row: readonly (string | null)[]): Record<string, unknown> =>
  readRow(withoutMessage(table), row);

const withoutMessage = perTable((table): RegisteredTable => ({ ...table, columns: metadataColumns(table) }));

export const identityCondition = (identity: readonly IdentityValue[], first: number): string =>
  identity.map(({ column }, index) => `${quoteIdentifier(column.name)} = $${first + index}`).join(' and ');
