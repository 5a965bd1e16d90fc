import type { DescMessage } from '@bufbuild/protobuf';
import {
  ConfigurationError,
  type DataStore,
  type MetadataContext,
  type RegisterOptions,
  type Session,
  TableNotRegisteredError,
  type Transaction,
} from '@intendant/core';
import { checkOptions, type DataStoreInternals, internalsOf, sessionInternalsOf } from '@intendant/core/internal';
import { defineMessage, type MessageDefinition, type MessageTable } from './define-message.ts';
import { describeChange, type MessageChange, type TableChange } from './message-change.ts';
import { MessageResource } from './message-resource.ts';
import { ProtoSession } from './proto-session.ts';

/** Options of `createProtoStore`. */
export interface ProtoStoreOptions {
  /** Largest message, in bytes of its binary form. Default 8 MiB. */
  readonly maxMessageBytes?: number;
}

const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** The Protobuf messages of a data store, with one table for each message type. */
export interface ProtoStore<C = MetadataContext> {
  /**
   * Prepares the database for these message types, as `store.register` does for tables. A generated schema is stored with
   * the defaults of `defineMessage`.
   *
   * Throws ConfigurationError, also if two types have the same table.
   */
  register(messages: readonly (DescMessage | MessageDefinition)[], options?: RegisterOptions): Promise<void>;
  /** Returns a session with the rights of the context. It needs no round trip: make one for each request. */
  as(context: C): ProtoSession;
  /** Returns a session inside a transaction of core. It commits or rolls back with the transaction. */
  in(transaction: Transaction): ProtoSession;
  /** The core table behind a message type. Throws TableNotRegisteredError. */
  table(schema: DescMessage): MessageTable;
  /** The message type as a resource, for realization. Throws TableNotRegisteredError. */
  resource<Desc extends DescMessage>(schema: Desc): MessageResource<Desc>;
  /** Adds message type and message to a change of the feed; undefined for another table. Throws InvalidRecordError if the message cannot be parsed. */
  change<Change extends TableChange>(change: Change): MessageChange<Change> | undefined;
}

/** Makes a store of messages on the tables of a data store. It has no `close`: close the data store. */
export function createProtoStore<C = MetadataContext>(
  store: DataStore<C>,
  options: ProtoStoreOptions = {},
): ProtoStore<C> {
  checkOptions('createProtoStore', options, { maxMessageBytes: true });
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 1) {
    throw new ConfigurationError('createProtoStore: maxMessageBytes must be a whole number from 1');
  }
  return new PostgresProtoStore(store as unknown as DataStore, maxMessageBytes) as unknown as ProtoStore<C>;
}

class PostgresProtoStore implements ProtoStore {
  readonly #store: DataStore;
  readonly #internals: DataStoreInternals;
  readonly #maxMessageBytes: number;
  readonly #byType = new Map<string, MessageDefinition>();
  readonly #byTable = new Map<string, MessageDefinition>();

  constructor(store: DataStore, maxMessageBytes: number) {
    this.#store = store;
    this.#internals = internalsOf(store);
    this.#maxMessageBytes = maxMessageBytes;
  }

  async register(messages: readonly (DescMessage | MessageDefinition)[], options?: RegisterOptions): Promise<void> {
    const definitions = readDefinitions(messages);
    this.#checkTables(definitions);
    await this.#store.register(
      definitions.map(({ table }) => table),
      options,
    );
    for (const definition of definitions) {
      this.#byType.set(definition.message.typeName, definition);
      this.#byTable.set(definition.table.name, definition);
    }
  }

  /** One table contains messages of one type, because the bytes do not say which type they are. */
  #checkTables(definitions: readonly MessageDefinition[]): void {
    const typeByTable = new Map([...this.#byTable].map(([table, { message }]) => [table, message.typeName]));
    for (const { table, message } of definitions) {
      const other = typeByTable.get(table.name);
      if (other !== undefined && other !== message.typeName) {
        throw new ConfigurationError(
          `table ${table.name} stores ${other}, so it cannot store ${message.typeName} too; choose another table name with defineMessage`,
        );
      }
      typeByTable.set(table.name, message.typeName);
    }
  }

  as(context: MetadataContext): ProtoSession {
    return this.#session(this.#store.as(context));
  }

  in(transaction: Transaction): ProtoSession {
    const { isTransaction, store } = sessionInternalsOf(transaction);
    if (!isTransaction || store !== this.#store) {
      throw new ConfigurationError('protoStore.in: give a transaction of session.transaction of the same store');
    }
    return this.#session(transaction);
  }

  table(schema: DescMessage): MessageTable {
    return this.#definitionOf(schema).table;
  }

  resource<Desc extends DescMessage>(schema: Desc): MessageResource<Desc> {
    return new MessageResource(this.#definitionOf(schema), this.#maxMessageBytes);
  }

  change<Change extends TableChange>(change: Change): MessageChange<Change> | undefined {
    const definition = this.#byTable.get(change.table);
    return definition && describeChange(definition, change);
  }

  #session(core: Session): ProtoSession {
    return new ProtoSession({
      core,
      maxMessageBytes: this.#maxMessageBytes,
      definitionOf: (schema) => this.#definitionOf(schema),
      definitionNamed: (typeName) => this.#definitionNamed(typeName),
      registeredTable: ({ table }) => this.#internals.table(table),
    });
  }

  #definitionOf<Desc extends DescMessage>(schema: Desc): MessageDefinition<Desc> {
    if (isMessageType(schema)) return this.#definitionNamed(schema.typeName) as unknown as MessageDefinition<Desc>;
    throw new TableNotRegisteredError(
      `a message type was expected, and ${typeof schema} given; the generated schema comes first: findById(CpuSchema, 'CPU1')`,
    );
  }

  #definitionNamed(typeName: string): MessageDefinition {
    const definition = this.#byType.get(typeName);
    if (definition) return definition;
    throw new TableNotRegisteredError(`message type ${typeName} is not registered; call protoStore.register first`, {
      details: { typeName },
    });
  }
}

const isMessageType = (schema: unknown): schema is DescMessage =>
  typeof schema === 'object' && schema !== null && 'kind' in schema && schema.kind === 'message';

const isDefinition = (given: unknown): given is MessageDefinition =>
  typeof given === 'object' && given !== null && 'message' in given && isMessageType(given.message);

function readDefinitions(messages: readonly (DescMessage | MessageDefinition)[]): MessageDefinition[] {
  if (!Array.isArray(messages)) throw new ConfigurationError('protoStore.register: give a list of message types');
  return messages.map((given: unknown) => {
    if (isMessageType(given)) return defineMessage(given);
    if (isDefinition(given)) return given;
    throw new ConfigurationError(
      'protoStore.register: each must be a generated schema, such as CpuSchema, or a result of defineMessage',
    );
  });
}
