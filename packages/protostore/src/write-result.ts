import type { RegisteredTable } from '@intendant/core/internal';
import { type MessageMetadata, metadataOf } from './metadata.ts';
import { readMetadataRow } from './statement/message-columns.ts';

/** The result of a write. */
export interface WriteResult {
  /** Number of messages that were written. */
  readonly rowsAffected: number;
  /** The metadata as stored now, with the new revision. */
  readonly metadata: MessageMetadata;
}

/** The metadata columns of a row that a statement returned. */
export type MetadataRow = readonly (string | null)[];

/** Makes the result of a statement that wrote one message. */
export const written = (table: RegisteredTable, row: MetadataRow): WriteResult => ({
  rowsAffected: 1,
  metadata: metadataOf(readMetadataRow(table, row)),
});
