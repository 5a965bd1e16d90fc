import { ConfigurationError, InvalidRecordError } from '../error/intendant-error.ts';
import type { RunOptions } from '../exchange/executor.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import { readIdentity } from '../record/identity.ts';
import { writeChangedRow, writeRowByKey } from '../record/write-row.ts';
import { deleteStatement, softDeleteStatement } from '../statement/delete.ts';
import { type Filter, invalid } from '../statement/filter.ts';
import { findStatement } from '../statement/find.ts';
import {
  countStatement,
  DEFAULT_LIMIT,
  deleteManyStatement,
  type FindManyOptions,
  findManyStatement,
} from '../statement/find-many.ts';
import { insertStatement } from '../statement/insert.ts';
import { updateStatement } from '../statement/update.ts';
import { updateManyStatement } from '../statement/update-many.ts';
import { upsertStatement } from '../statement/upsert.ts';
import type { AnyTable, ChangedRecordOf, ChangesOf, KeyOf, NewRecordOf, RecordOf } from '../table/record-types.ts';
import type { ChangingVerb } from './changing-verb.ts';
import { insertMany } from './insert-many.ts';
import { ambiguous, conflict, notFound } from './session-error.ts';
import { exposeSession, type SessionParts } from './session-internals.ts';
import {
  COUNT_OPTIONS,
  DELETE_MANY_OPTIONS,
  DELETE_OPTIONS,
  type DeleteManyOptions,
  FIND_MANY_OPTIONS,
  FIND_OPTIONS,
  type FindOptions,
  type RemoveOptions,
  WRITE_OPTIONS,
  type WriteOptions,
} from './session-options.ts';
import { TableOperation } from './table-operation.ts';

/**
 * The store with the rights of one context. Every operation is one round trip and one transaction. It runs under the
 * database role that the context has on the table, so row security limits it to the context's org and instance.
 *
 * Every operation may throw MissingContextError, MissingOrgIdError, MissingInstanceIdError, OperationNotAllowedError,
 * TableNotRegisteredError, InvalidRecordError, ConnectionError and OperationCancelledError, and the errors named on it.
 */
export class Session {
  readonly #parts: SessionParts;

  /** @internal */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    exposeSession(this, parts);
  }

  /**
   * Adds a record and returns it as stored. Org and instance default to those of the context; the revision is 1 unless
   * the record has one; the database sets the timestamps.
   *
   * Throws DuplicateRecordError if a record with this key exists, even a soft-deleted one.
   */
  async insert<T extends AnyTable>(
    definition: T,
    record: NewRecordOf<T>,
    options?: WriteOptions,
  ): Promise<RecordOf<T>> {
    const operation = this.#openForChange(definition, 'insert', options, WRITE_OPTIONS);
    const { table, scope } = operation;
    const { rows } = await operation.run(record, insertStatement(table, writeRowByKey(table, scope, record)));
    return operation.read(rows[0]);
  }

  /** Adds all records, or none if one cannot be added. Returns them in the given order. Errors as for `insert`. */
  async insertMany<T extends AnyTable>(
    definition: T,
    records: readonly NewRecordOf<T>[],
    options?: WriteOptions,
  ): Promise<RecordOf<T>[]> {
    const operation = this.#openForChange(definition, 'insertMany', options, WRITE_OPTIONS);
    const { table, scope } = operation;
    if (!Array.isArray(records)) throw invalid(table, 'insertMany takes a list of records');
    const rows = Array.from(records, (record) => writeRowByKey(table, scope, record));
    if (rows.length === 0) return [];
    return insertMany<T>(table, rows, (statements) => operation.runAll(undefined, statements));
  }

  /** Returns the record with this key. Throws RecordNotFoundError if the caller can see none. */
  async find<T extends AnyTable>(definition: T, key: KeyOf<T>, options: FindOptions = {}): Promise<RecordOf<T>> {
    const operation = this.#open(definition, 'find', options, FIND_OPTIONS);
    const { table, scope } = operation;
    const identity = readIdentity(table, scope, key, 'read');
    const { rows } = await operation.run(key, findStatement(table, identity, options.includeDeleted ?? false));
    if (rows.length === 0) throw notFound(table, key);
    if (rows.length > 1) throw ambiguous(table, key);
    return operation.read(rows[0]);
  }

  /** Returns at most `limit` records (default 1,000) that match a filter, in a total order; see `FindManyOptions`. */
  async findMany<T extends AnyTable>(definition: T, options: FindManyOptions<T> = {}): Promise<RecordOf<T>[]> {
    const operation = this.#open(definition, 'findMany', options, FIND_MANY_OPTIONS);
    const { rows } = await operation.run(undefined, findManyStatement(operation.table, operation.scope, options));
    return rows.map((row) => operation.read(row));
  }

  /**
   * Iterates over all records that match a filter. Fetches pages of `limit` records (default 1,000) as the loop proceeds and
   * holds one page in memory. Each page is a statement of its own and sees the rows committed before it, unless it runs in a
   * transaction with isolation `repeatable read` or higher.
   */
  async *stream<T extends AnyTable>(
    definition: T,
    options: Omit<FindManyOptions<T>, 'offset'> = {},
  ): AsyncGenerator<RecordOf<T>, void, undefined> {
    const pageSize = options.limit ?? DEFAULT_LIMIT;
    let after = options.after;
    for (;;) {
      const page = await this.findMany(definition, { ...options, limit: pageSize, after } as FindManyOptions<T>);
      yield* page;
      if (page.length < pageSize || page.length === 0) return;
      after = page.at(-1) as Partial<RecordOf<T>>;
    }
  }

  /** Returns the number of visible records that match `where`. Default: all that are not soft-deleted. */
  async count<T extends AnyTable>(
    definition: T,
    options: Pick<FindManyOptions<T>, 'where' | 'includeDeleted' | 'signal'> = {},
  ): Promise<number> {
    const operation = this.#open(definition, 'count', options, COUNT_OPTIONS);
    const { rows } = await operation.run(undefined, countStatement<T>(operation.table, operation.scope, options));
    return Number(rows[0]?.[0]);
  }

  /**
   * Replaces all columns of the record if the stored revision equals the given record's. The revision grows by 1. Omitted
   * fields become null.
   *
   * Throws RevisionConflictError, and RecordNotFoundError when the record does not exist or is soft-deleted.
   */
  async update<T extends AnyTable>(
    definition: T,
    record: ChangedRecordOf<T>,
    options?: WriteOptions,
  ): Promise<RecordOf<T>> {
    const operation = this.#openForChange(definition, 'update', options, WRITE_OPTIONS);
    const { table, scope } = operation;
    const row = writeRowByKey(table, scope, record, writeChangedRow);
    if (table.definition.revisioned && row.revision === undefined) {
      throw new InvalidRecordError(
        `update ${table.name}: the record has no revision; read the record, change it, and pass it to update`,
        {
          details: { table: table.name },
        },
      );
    }
    const identity = readIdentity(table, scope, record, 'change');
    const { rows } = await operation.run(record, updateStatement(table, row, identity));
    if (rows[0]) return operation.read(rows[0]);
    throw await operation.whyUnchanged(identity, record);
  }

  /**
   * Inserts the record, at revision 1, or replaces the one with its key. A record without a revision replaces the
   * stored one whatever its revision: the last writer wins. A record with a revision of 1 or more only replaces, under
   * the same rule as `update`, so it never creates a record that was deleted in the meantime. Revision 0 only inserts.
   * A soft-deleted record becomes visible again.
   *
   * Throws RevisionConflictError if the record has another revision or does not exist.
   */
  async upsert<T extends AnyTable>(
    definition: T,
    record: NewRecordOf<T>,
    options?: WriteOptions,
  ): Promise<RecordOf<T>> {
    const operation = this.#openForChange(definition, 'upsert', options, WRITE_OPTIONS);
    const { table, scope } = operation;
    const row = writeRowByKey(table, scope, record);
    const { rows } = await operation.run(record, upsertStatement(table, row));
    if (rows[0]) return operation.read(rows[0]);
    if (!row.findsInstance) throw conflict('upsert', table, record);
    throw await operation.whyUnchanged(readIdentity(table, scope, record, 'change'), record);
  }

  /**
   * Hides the record from `find`, `findMany` and `update`. Returns the number of hidden records: 1, or 0 if there is
   * none. It counts as a change of the record. Throws RevisionConflictError if `revision` is given and the
   * stored one differs.
   */
  async softDelete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: RemoveOptions = {}): Promise<number> {
    const operation = this.#openForChange(definition, 'softDelete', options, DELETE_OPTIONS);
    const { table, scope } = operation;
    if (!table.definition.softDelete) {
      throw new ConfigurationError(`${table.name} was defined with softDelete: false; use delete`, {
        details: { table: table.name },
      });
    }
    const identity = readIdentity(table, scope, key, 'change');
    return operation.remove(softDeleteStatement, identity, key, options.revision);
  }

  /** Removes the record, soft-deleted or not, and returns the number of removed records. Otherwise as `softDelete`. */
  async delete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: RemoveOptions = {}): Promise<number> {
    const operation = this.#openForChange(definition, 'delete', options, DELETE_OPTIONS);
    const identity = readIdentity(operation.table, operation.scope, key, 'change');
    return operation.remove(deleteStatement, identity, key, options.revision);
  }

  /** Removes every record that matches a filter, soft-deleted ones too, and returns their number. `{ where: {} }` means all. */
  async deleteMany<T extends AnyTable>(definition: T, options: DeleteManyOptions<T>): Promise<number> {
    const operation = this.#openForChange(definition, 'deleteMany', options, DELETE_MANY_OPTIONS);
    const { table, scope } = operation;
    if (options?.where === undefined) {
      throw new InvalidRecordError(`deleteMany ${table.name}: pass a filter; { where: {} } selects all records`, {
        details: { table: table.name },
      });
    }
    return (await operation.run(undefined, deleteManyStatement<T>(table, scope, options.where))).rowCount;
  }

  /**
   * Sets the same fields in every record that matches a filter, except soft-deleted ones. Each revision grows by 1. Returns
   * the number of changed records. The key cannot be changed. An optional field given as undefined becomes null. `{}` as the
   * filter means all.
   *
   * ```ts
   * await session.updateMany(vm, { region: 'us-west-1' }, { region: 'us-west-2' });
   * ```
   */
  async updateMany<T extends AnyTable>(
    definition: T,
    where: Filter<T>,
    changes: ChangesOf<T>,
    options?: WriteOptions,
  ): Promise<number> {
    const operation = this.#openForChange(definition, 'updateMany', options, WRITE_OPTIONS);
    const { table, scope } = operation;
    if (where === undefined || where === null)
      throw invalid(table, 'updateMany takes a filter; {} selects all records');
    return (await operation.run(undefined, updateManyStatement<T>(table, scope, where, changes))).rowCount;
  }

  #open<T extends AnyTable, Options extends RunOptions>(
    definition: T,
    verb: string,
    options: Options | undefined,
    names: OptionNames<Options>,
  ): TableOperation<T> {
    checkOptions(verb, options, names);
    const table = this.#parts.table(definition);
    const { executor } = this.#parts;
    return new TableOperation<T>({ verb, table, scope: this.#parts.scopeFor([table]), executor, options });
  }

  /** Like `#open`, for a method that changes records. */
  #openForChange<T extends AnyTable, Options extends WriteOptions>(
    definition: T,
    verb: ChangingVerb,
    options: Options | undefined,
    names: OptionNames<Options>,
  ): TableOperation<T> {
    const operation = this.#open(definition, verb, options, names);
    if (options?.bypassRealization !== true) this.#parts.checkChange(operation.table, verb);
    return operation;
  }
}
