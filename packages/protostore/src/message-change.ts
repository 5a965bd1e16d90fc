import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { MessageDefinition } from './define-message.ts';
import { messageOf, type StoredMessage } from './message-record.ts';

/** The fields of a feed's change that are needed here. */
export interface TableChange {
  /** The name of the table. */
  readonly table: string;
  /** The row, if the feed contains records. */
  readonly record?: Readonly<Record<string, unknown>> | undefined;
}

/** A change of a message: the feed's change, the message type, and the message if the feed contains records. */
export type MessageChange<Change extends TableChange = TableChange> = Change & {
  /** E.g. `acme.hardware.v1.Cpu`. */
  readonly typeName: string;
  /** The descriptor of the message type, for `isMessage` and `create`. */
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
