import { type DescMessage, isMessage, type Message } from '@bufbuild/protobuf';
import {
  type DeleteOptions,
  type FindOptions,
  InvalidRecordError,
  RecordNotFoundError,
  type Session,
} from '@intendant/core';
import {
  checkOptions,
  DELETE_OPTIONS,
  describeKey,
  FIND_OPTIONS,
  type IdentityValue,
  isOpenKey,
  type RegisteredTable,
  RUN_OPTIONS,
  type RunOptions,
  readIdentity,
  readRevision,
  type Scope,
  type Statement,
  type StatementResult,
  sessionInternalsOf,
  translateError,
  writeRowByKey,
} from '@intendant/core/internal';
import type { MessageDefinition } from './define-message.ts';
import { type FindAllOptions, recordOptions } from './message-filter.ts';
import { messageOf, recordOf, type StoredMessage } from './message-record.ts';
import { idOf, type MessageKey, type MessageMetadata, metadataOf, type WriteMetadata } from './metadata.ts';
import { ambiguous, conflict, noMessage, notFound } from './session-error.ts';
import { findMetadata } from './statement/find-metadata.ts';
import { readMetadataRow } from './statement/message-columns.ts';
import { softDeleteMessage } from './statement/soft-delete-message.ts';
import { insertMessage, type MessageWrite, updateMessage, upsertMessage } from './statement/write-message.ts';
import { type MetadataRow, type WriteResult, written } from './write-result.ts';

/** What a session needs of its store. */
export interface ProtoSessionParts {
  readonly core: Session;
  readonly maxMessageBytes: number;
  definitionOf<Desc extends DescMessage>(schema: Desc): MessageDefinition<Desc>;
  /** Takes the full name of the message type. Throws TableNotRegisteredError. */
  definitionNamed(typeName: string): MessageDefinition;
  registeredTable(definition: MessageDefinition): RegisteredTable;
}

interface Opened {
  readonly definition: MessageDefinition;
  readonly table: RegisteredTable;
  readonly scope: Scope;
}

/**
 * The messages of a store with the rights of one context. Every operation is one round trip.
 *
 * Every operation may throw the errors of core's sessions (MissingContextError, MissingOrgIdError, MissingInstanceIdError,
 * OperationNotAllowedError, TableNotRegisteredError, InvalidRecordError, ConnectionError), and the errors named on it.
 */
export class ProtoSession {
  readonly #parts: ProtoSessionParts;

  /** @internal */
  constructor(parts: ProtoSessionParts) {
    this.#parts = parts;
  }

  /**
   * Adds a message, at revision 1. Throws DuplicateRecordError when a message has this id already, even if it is
   * soft-deleted, and InvalidRecordError for a value that is not a message or exceeds the size limit.
   */
  async insert(
    key: MessageKey,
    message: Message,
    metadata: WriteMetadata = {},
    options?: RunOptions,
  ): Promise<WriteResult> {
    checkOptions('insert', options, RUN_OPTIONS);
    const opened = this.#openFor(key, message);
    const statement = insertMessage(opened.table, this.#writeOf(opened, key, message, metadata));
    return written(opened.table, (await this.#run('insert', opened, key, statement, options)).rows[0] as MetadataRow);
  }

  /**
   * Replaces a message. With a revision in the metadata, replaces it only at that revision. Without one, the last writer wins.
   *
   * Throws RevisionConflictError, and RecordNotFoundError when the message does not exist or is soft-deleted.
   */
  async update(
    key: MessageKey,
    message: Message,
    metadata: WriteMetadata = {},
    options?: RunOptions,
  ): Promise<WriteResult> {
    checkOptions('update', options, RUN_OPTIONS);
    const opened = this.#openFor(key, message);
    const write = this.#writeOf(opened, key, message, metadata);
    const { rows } = await this.#run('update', opened, key, updateMessage(opened.table, write), options);
    if (rows[0]) return written(opened.table, rows[0]);
    throw await this.#whyUnchanged('update', opened, write.identity, key, options);
  }

  /**
   * Adds the message, at revision 1, or replaces the one with its id. A soft-deleted one becomes visible again. With a
   * revision of 1 or more it only replaces, under the same rule as `update`; with revision 0 it only adds.
   *
   * Throws RevisionConflictError, and RecordNotFoundError when the revision is 1 or more and the message does not exist.
   */
  async upsert(
    key: MessageKey,
    message: Message,
    metadata: WriteMetadata = {},
    options?: RunOptions,
  ): Promise<WriteResult> {
    checkOptions('upsert', options, RUN_OPTIONS);
    const opened = this.#openFor(key, message);
    const write = this.#writeOf(opened, key, message, metadata);
    const { rows } = await this.#run('upsert', opened, key, upsertMessage(opened.table, write), options);
    if (rows[0]) return written(opened.table, rows[0]);
    throw await this.#whyUnchanged('upsert', opened, write.identity, key, options);
  }

  /** Returns the message with this id. Throws RecordNotFoundError, and InvalidRecordError when the stored bytes do not parse. */
  async findById<Desc extends DescMessage>(
    schema: Desc,
    key: MessageKey,
    options?: FindOptions,
  ): Promise<StoredMessage<Desc>> {
    const definition = this.#parts.definitionOf(schema);
    return messageOf(definition, await this.#parts.core.find(definition.table, key, options));
  }

  /**
   * Returns messages of one type in a total order, at most `limit` (default 1,000). Throws InvalidRecordError for a field
   * that is not indexed.
   */
  async findAll<Desc extends DescMessage>(
    schema: Desc,
    options: FindAllOptions<Desc> = {},
  ): Promise<StoredMessage<Desc>[]> {
    const definition = this.#parts.definitionOf(schema);
    const records = await this.#parts.core.findMany(definition.table, recordOptions(definition, options));
    return records.map((record) => messageOf(definition, record));
  }

  /** As `findAll`, but returns a map by id. Throws InvalidRecordError when the caller sees two tenants' messages with one id. */
  async findAllAsMap<Desc extends DescMessage>(
    schema: Desc,
    options: FindAllOptions<Desc> = {},
  ): Promise<Map<string, StoredMessage<Desc>>> {
    const found = await this.findAll(schema, options);
    const byId = new Map(found.map((stored) => [stored.metadata.id, stored]));
    if (byId.size === found.length) return byId;
    const table = this.#parts.definitionOf(schema).table.name;
    throw new InvalidRecordError(
      `${table}: several messages have the same id, because the caller sees several tenants; use findAll`,
      {
        details: { table },
      },
    );
  }

  /** Iterates over all messages. Fetches pages of `limit` as the loop proceeds, and holds one page in memory. */
  async *stream<Desc extends DescMessage>(
    schema: Desc,
    options: Omit<FindAllOptions<Desc>, 'offset'> = {},
  ): AsyncGenerator<StoredMessage<Desc>, void, undefined> {
    const definition = this.#parts.definitionOf(schema);
    for await (const record of this.#parts.core.stream(definition.table, recordOptions(definition, options))) {
      yield messageOf(definition, record);
    }
  }

  /**
   * Returns the number of messages that match and that the caller may see. Throws InvalidRecordError for a field that is not indexed.
   */
  async count<Desc extends DescMessage>(
    schema: Desc,
    options: Pick<FindAllOptions<Desc>, 'where' | 'parentId' | 'includeDeleted' | 'signal'> = {},
  ): Promise<number> {
    const definition = this.#parts.definitionOf(schema);
    return this.#parts.core.count(definition.table, recordOptions(definition, options));
  }

  /** Returns the metadata without reading the message. Throws RecordNotFoundError. */
  async getMetadata(schema: DescMessage, key: MessageKey, options: FindOptions = {}): Promise<MessageMetadata> {
    checkOptions('getMetadata', options, FIND_OPTIONS);
    const opened = this.#open(schema);
    const identity = readIdentity(opened.table, opened.scope, key, 'read');
    const statement = findMetadata(opened.table, identity, options.includeDeleted ?? false);
    const { rows } = await this.#run('getMetadata', opened, key, statement, options);
    if (rows.length > 1) throw ambiguous(opened.table, key);
    if (!rows[0]) throw notFound(opened.table, key);
    return metadataOf(readMetadataRow(opened.table, rows[0]));
  }

  /** Returns the revision of the message. Throws RecordNotFoundError. */
  async getRevision(schema: DescMessage, key: MessageKey, options?: FindOptions): Promise<number> {
    return (await this.getMetadata(schema, key, options)).revision;
  }

  /**
   * Hides the message. This is a change, and adds 1 to the revision. If no visible message exists, `rowsAffected` is 0 and `metadata` undefined.
   *
   * Throws RevisionConflictError when `revision` is given and the stored one differs.
   */
  async softDeleteById(
    schema: DescMessage,
    key: MessageKey,
    options: DeleteOptions = {},
  ): Promise<{ readonly rowsAffected: number; readonly metadata: MessageMetadata | undefined }> {
    checkOptions('softDeleteById', options, DELETE_OPTIONS);
    const opened = this.#open(schema);
    const identity = readIdentity(opened.table, opened.scope, key, 'change');
    const statement = softDeleteMessage(opened.table, identity, readRevision(opened.table, options.revision));
    const { rows } = await this.#run('softDelete', opened, key, statement, options);
    if (rows[0]) return written(opened.table, rows[0]);
    await this.#refuse(opened, identity, key, options);
    return { rowsAffected: 0, metadata: undefined };
  }

  /** Removes the message, soft-deleted or not, and returns the number of removed messages. Errors as for `softDeleteById`. */
  deleteById(schema: DescMessage, key: MessageKey, options?: DeleteOptions): Promise<number> {
    return this.#parts.core.delete(this.#parts.definitionOf(schema).table, key, options);
  }

  #open(schema: DescMessage): Opened {
    return this.#opened(this.#parts.definitionOf(schema));
  }

  /** Opens the table of the message's own type. */
  #openFor(key: MessageKey, message: Message): Opened {
    if (isMessage(message)) return this.#opened(this.#parts.definitionNamed(message.$typeName));
    throw noMessage(key);
  }

  #opened(definition: MessageDefinition): Opened {
    const table = this.#parts.registeredTable(definition);
    return { definition, table, scope: sessionInternalsOf(this.#parts.core).scopeFor([table]) };
  }

  #writeOf(
    { definition, table, scope }: Opened,
    key: MessageKey,
    message: Message,
    metadata: WriteMetadata,
  ): MessageWrite {
    const record = recordOf(definition, this.#parts.maxMessageBytes, idOf(key), message, named(key, metadata));
    return {
      row: writeRowByKey(table, scope, record),
      namesParent: metadata.parentId !== undefined,
      identity: readIdentity(table, scope, named(key, metadata), 'change'),
    };
  }

  async #run(operation: string, { table, scope }: Opened, key: MessageKey, statement: Statement, options?: RunOptions) {
    try {
      const [result] = await sessionInternalsOf(this.#parts.core).executor.run(scope, [statement], options);
      return result as StatementResult;
    } catch (error) {
      throw translateError(error, { operation, table: table.name, key: describeKey(table, key) });
    }
  }

  /** Throws when a message exists that could not be hidden: it is at another revision, or several instances have one. */
  async #refuse(opened: Opened, identity: readonly IdentityValue[], key: MessageKey, options: DeleteOptions) {
    if (options.revision === undefined && !isOpenKey(opened.table, identity)) return;
    const reason = await this.#whyUnchanged('softDelete', opened, identity, key, options);
    const isMissing = reason instanceof RecordNotFoundError;
    if (!isMissing && (options.revision !== undefined || reason instanceof InvalidRecordError)) throw reason;
  }

  /** Why a change matched no row: none exists, several instances have one, or it has another revision. */
  async #whyUnchanged(
    operation: string,
    opened: Opened,
    identity: readonly IdentityValue[],
    key: MessageKey,
    options?: RunOptions,
  ) {
    const { rows } = await this.#run(
      operation,
      opened,
      key,
      findMetadata(opened.table, identity, operation === 'upsert'),
      options,
    );
    if (rows.length > 1) return ambiguous(opened.table, key);
    return rows.length === 0 ? notFound(opened.table, key) : conflict(operation, opened.table, key);
  }
}

/** A key and metadata in one object. Fields of the key take precedence. */
const named = (key: MessageKey, metadata: WriteMetadata) => ({
  ...metadata,
  ...(typeof key === 'object' ? key : { id: key }),
});
