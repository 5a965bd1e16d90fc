import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { MessageDefinition } from './define-message.ts';
import { messageOf, type StoredMessage } from './message-record.ts';

/** A change of a feed, as far as a message is concerned. */
export interface TableChange {
  /** The name of the table. */
  readonly table: string;
  /** The row, where the feed carries records. */
  readonly record?: Readonly<Record<string, unknown>> | undefined;
}

/** A change of a message: what the feed says, the message's type, and the message where the feed carries the record. */
export type MessageChange<Change extends TableChange = TableChange> = Change & {
  /** E.g. `acme.hardware.v1.Cpu`. */
  readonly typeName: string;
  /** For `isMessage`, `create` and the like. */
  readonly messageType: DescMessage;
  readonly stored: StoredMessage<DescMessage> | undefined;
};

export function describeChange<Change extends TableChange>(
  definition: MessageDefinition,
  change: Change,
): MessageChange<Change> {
  const { message: messageType } = definition;
  const isWhole = change.record?.['payload'] instanceof Uint8Array;
  return {
    ...change,
    typeName: messageType.typeName,
    messageType,
    stored: isWhole ? messageOf(definition, change.record as Readonly<Record<string, unknown>>) : undefined,
  };
}

/** Narrows a change to one message type. */
export const isChangeOf = <Desc extends DescMessage, Change extends TableChange>(
  schema: Desc,
  change: MessageChange<Change>,
): change is MessageChange<Change> & { readonly stored: { readonly message: MessageShape<Desc> } | undefined } =>
  change.typeName === schema.typeName;
