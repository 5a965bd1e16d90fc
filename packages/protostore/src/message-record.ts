import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { NewRecordOf } from '@intendant/core';
import type { MessageDefinition, MessageTable } from './define-message.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { type MessageMetadata, metadataOf, type WriteMetadata } from './metadata.ts';

/** A stored message with its metadata. */
export interface StoredMessage<Desc extends DescMessage> {
  /** The decoded message. */
  readonly message: MessageShape<Desc>;
  /** The metadata of the message. */
  readonly metadata: MessageMetadata;
}

/** The core record for a message. Throws InvalidRecordError. */
export function recordOf<Desc extends DescMessage>(
  { message: schema, table, indexedFields }: MessageDefinition<Desc>,
  maxBytes: number,
  id: string,
  message: MessageShape<Desc>,
  metadata: WriteMetadata = {},
): NewRecordOf<MessageTable> {
  const payload = encodeMessage(schema, message, maxBytes, { table: table.name, id });
  return {
    id,
    parent_id: metadata.parentId ?? null,
    payload,
    ...Object.fromEntries(indexedFields.map((field) => [field.column, field.read(message)])),
    ...(metadata.orgId !== undefined && { orgId: metadata.orgId }),
    ...(metadata.instanceId !== undefined && { instanceId: metadata.instanceId }),
    ...(metadata.revision !== undefined && { revision: metadata.revision }),
  };
}

/** The message in a core record. Throws InvalidRecordError if its bytes are not a message of its type. */
export function messageOf<Desc extends DescMessage>(
  { message: schema, table }: MessageDefinition<Desc>,
  record: Readonly<Record<string, unknown>>,
): StoredMessage<Desc> {
  const place = { table: table.name, id: record['id'] };
  return { message: decodeMessage(schema, record['payload'] as Uint8Array, place), metadata: metadataOf(record) };
}
