import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { NewRecordOf, RecordOf } from '@intendant/core';
import type { MessageDefinition, MessageTable } from './define-message.ts';
import { messageOf, recordOf, type StoredMessage } from './message-record.ts';
import { type MessageMetadata, metadataOf, type WriteMetadata } from './metadata.ts';

/** The fields of a worker's intent that are needed here. */
interface RecordIntent {
  readonly record: Readonly<Record<string, unknown>>;
}

/** An intent with its message. */
export type MessageIntent<Desc extends DescMessage, Intent> = Intent & StoredMessage<Desc>;

/** An intent of a removed message. If the row is deleted, only the id, org, instance and revision of its metadata are left. */
export type RemovedMessageIntent<Desc extends DescMessage, Intent> = Intent & {
  readonly message: MessageShape<Desc> | undefined;
  readonly metadata: MessageMetadata;
};

/**
 * A message type as a table, for realization, feeds and other code that takes tables and records of core.
 *
 * ```ts
 * const cpus = protoStore.resource(CpuSchema);
 * await realization.register([cpus.table], { roles });
 * await realization.as(context).persistIntent(cpus.table, cpus.record('CPU1', cpu), { enforcementPoints: ['E1'] });
 * realization.worker({
 *   enforcementPoint: 'E1',
 *   handlers: [on(cpus.table, { realize: cpus.realize(async ({ message, metadata }) => install(message.brand, metadata.id)) })],
 * });
 * ```
 */
export class MessageResource<Desc extends DescMessage> {
  /** The core table that holds the messages, for `realization.worker` and status queries. */
  readonly table: MessageTable;
  readonly #definition: MessageDefinition<Desc>;
  readonly #maxMessageBytes: number;

  /** @internal */
  constructor(definition: MessageDefinition<Desc>, maxMessageBytes: number) {
    this.table = definition.table;
    this.#definition = definition;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** The record to persist for a message. Throws InvalidRecordError for one of another type, or over the size limit. */
  record(id: string, message: MessageShape<Desc>, metadata?: WriteMetadata): NewRecordOf<MessageTable> {
    return recordOf(this.#definition, this.#maxMessageBytes, id, message, metadata);
  }

  /** The message in a record that was read. Throws InvalidRecordError if it cannot be parsed. */
  read(record: RecordOf<MessageTable>): StoredMessage<Desc> {
    return messageOf(this.#definition, record);
  }

  /** A worker's `realize` (or `observe`) that receives the message. */
  realize<Intent extends RecordIntent, Context, Result>(
    handle: (intent: MessageIntent<Desc, Intent>, context: Context) => Promise<Result>,
  ): (intent: Intent, context: Context) => Promise<Result> {
    return async (intent, context) => handle({ ...intent, ...messageOf(this.#definition, intent.record) }, context);
  }

  /** A worker's `unrealize` that receives the message, if there is one left. */
  unrealize<Intent extends RecordIntent, Context, Result>(
    handle: (intent: RemovedMessageIntent<Desc, Intent>, context: Context) => Promise<Result>,
  ): (intent: Intent, context: Context) => Promise<Result> {
    return async (intent, context) => handle({ ...intent, ...this.#remainingMessage(intent.record) }, context);
  }

  #remainingMessage(record: Readonly<Record<string, unknown>>) {
    if (record['payload'] instanceof Uint8Array) return messageOf(this.#definition, record);
    return { message: undefined, metadata: metadataOf(record) };
  }
}
