import type { Scope } from '../context/scope.ts';
import {
  ConfigurationError,
  InvalidRecordError,
  RecordNotFoundError,
  RevisionConflictError,
} from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';
import type { RunOptions } from '../exchange/executor.ts';
import type { Statement, StatementResult } from '../exchange/statement.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import { describeKey } from '../record/describe-key.ts';
import { type IdentityValue, readIdentity } from '../record/identity.ts';
import { readRow } from '../record/read-row.ts';
import { readRevision, writeChangedRow, writeRowByKey } from '../record/write-row.ts';
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
import { isOpenKey } from '../statement/shared-key.ts';
import { updateStatement } from '../statement/update.ts';
import { updateManyStatement } from '../statement/update-many.ts';
import { upsertStatement } from '../statement/upsert.ts';
import type { AnyTable, ChangedRecordOf, ChangesOf, KeyOf, NewRecordOf, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { ChangingVerb } from './changing-verb.ts';
import { insertMany } from './insert-many.ts';
import { ambiguous, conflict, notFound } from './session-error.ts';
import { exposeSession, type SessionInternals } from './session-internals.ts';
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

/** What a session is made of; the store and a transaction each bring their own. */
export interface SessionParts extends SessionInternals {
  table(definition: AnyTable): RegisteredTable;
  /** Throws OperationNotAllowedError for a table whose records another part changes. */
  checkChange(table: RegisteredTable, verb: ChangingVerb): void;
}

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
   * Adds a record and returns it as stored. Org and instance are filled in from the context where the record leaves
   * them out; the revision is 1 unless the record carries one; timestamps are the database's.
   *
   * Throws DuplicateRecordError when the key is taken, by a soft-deleted record too.
   */
  async insert<T extends AnyTable>(
    definition: T,
    record: NewRecordOf<T>,
    options?: WriteOptions,
  ): Promise<RecordOf<T>> {
    const { table, scope } = this.#openForChange(definition, 'insert', options, WRITE_OPTIONS);
    const statement = insertStatement(table, writeRowByKey(table, scope, record));
    const [result] = await this.#run(scope, 'insert', table, record, [statement], options);
    return this.#read<T>(table, (result as StatementResult).rows[0]);
  }

  /** Adds all records, or none if one cannot be added. Returns them in the given order. Errors as for `insert`. */
  async insertMany<T extends AnyTable>(
    definition: T,
    records: readonly NewRecordOf<T>[],
    options?: WriteOptions,
  ): Promise<RecordOf<T>[]> {
    const { table, scope } = this.#openForChange(definition, 'insertMany', options, WRITE_OPTIONS);
    if (!Array.isArray(records)) throw invalid(table, 'insertMany takes a list of records');
    const rows = Array.from(records, (record) => writeRowByKey(table, scope, record));
    if (rows.length === 0) return [];
    return insertMany<T>(table, rows, (statements) =>
      this.#run(scope, 'insertMany', table, undefined, statements, options),
    );
  }

  /** Returns the record with this key. Throws RecordNotFoundError if the caller can see none. */
  async find<T extends AnyTable>(definition: T, key: KeyOf<T>, options: FindOptions = {}): Promise<RecordOf<T>> {
    const { table, scope } = this.#open(definition, 'find', options, FIND_OPTIONS);
    const identity = readIdentity(table, scope, key, 'read');
    const statement = findStatement(table, identity, options.includeDeleted ?? false);
    const [result] = await this.#run(scope, 'find', table, key, [statement], options);
    const { rows } = result as StatementResult;
    if (rows.length === 0) throw notFound(table, key);
    if (rows.length > 1) throw ambiguous(table, key);
    return this.#read<T>(table, rows[0]);
  }

  /** Returns at most `limit` records (default 1,000) that match a filter, in a total order; see `FindManyOptions`. */
  async findMany<T extends AnyTable>(definition: T, options: FindManyOptions<T> = {}): Promise<RecordOf<T>[]> {
    const { table, scope } = this.#open(definition, 'findMany', options, FIND_MANY_OPTIONS);
    const statement = findManyStatement(table, scope, options);
    const [result] = await this.#run(scope, 'findMany', table, undefined, [statement], options);
    return (result as StatementResult).rows.map((row) => this.#read<T>(table, row));
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
    const { table, scope } = this.#open(definition, 'count', options, COUNT_OPTIONS);
    const [result] = await this.#run(
      scope,
      'count',
      table,
      undefined,
      [countStatement<T>(table, scope, options)],
      options,
    );
    return Number((result as StatementResult).rows[0]?.[0]);
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
    const { table, scope } = this.#openForChange(definition, 'update', options, WRITE_OPTIONS);
    const row = writeRowByKey(table, scope, record, writeChangedRow);
    if (table.definition.revisioned && row.revision === undefined) {
      throw new InvalidRecordError(`update ${table.name}: the record carries no revision; update what you read`, {
        details: { table: table.name },
      });
    }
    const identity = readIdentity(table, scope, record, 'change');
    const [result] = await this.#run(scope, 'update', table, record, [updateStatement(table, row, identity)], options);
    const [updated] = (result as StatementResult).rows;
    if (updated) return this.#read<T>(table, updated);
    throw await this.#whyUnchanged('update', table, scope, identity, record, options);
  }

  /**
   * Inserts the record, at revision 1, or replaces the one with its key. A record without a revision replaces whatever is
   * there: the last writer wins. One with a revision from 1 only replaces, under the same rule as `update`: it never creates
   * what was deleted meanwhile. Revision 0 only inserts. A soft-deleted record comes back.
   *
   * Throws RevisionConflictError when the record is at another revision, or is not there.
   */
  async upsert<T extends AnyTable>(
    definition: T,
    record: NewRecordOf<T>,
    options?: WriteOptions,
  ): Promise<RecordOf<T>> {
    const { table, scope } = this.#openForChange(definition, 'upsert', options, WRITE_OPTIONS);
    const row = writeRowByKey(table, scope, record);
    const [result] = await this.#run(scope, 'upsert', table, record, [upsertStatement(table, row)], options);
    const [stored] = (result as StatementResult).rows;
    if (stored) return this.#read<T>(table, stored);
    if (!row.findsInstance) throw conflict('upsert', table, record);
    const identity = readIdentity(table, scope, record, 'change');
    throw await this.#whyUnchanged('upsert', table, scope, identity, record, options);
  }

  /**
   * Hides the record from `find`, `findMany` and `update`. Returns the number of hidden records: 1, or 0 when there is
   * none. Counts as a change. Throws RevisionConflictError when `revision` is given and the stored one differs.
   */
  async softDelete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: RemoveOptions = {}): Promise<number> {
    const { table, scope } = this.#openForChange(definition, 'softDelete', options, DELETE_OPTIONS);
    if (!table.definition.softDelete) {
      throw new ConfigurationError(`${table.name} was defined with softDelete: false; use delete`, {
        details: { table: table.name },
      });
    }
    return this.#remove('softDelete', softDeleteStatement, table, scope, key, options);
  }

  /** Removes the record, soft-deleted or not, and returns the number of removed records. Otherwise as `softDelete`. */
  async delete<T extends AnyTable>(definition: T, key: KeyOf<T>, options: RemoveOptions = {}): Promise<number> {
    const { table, scope } = this.#openForChange(definition, 'delete', options, DELETE_OPTIONS);
    return this.#remove('delete', deleteStatement, table, scope, key, options);
  }

  /** Removes every record that matches a filter, soft-deleted ones too, and returns their number. `{ where: {} }` means all. */
  async deleteMany<T extends AnyTable>(definition: T, options: DeleteManyOptions<T>): Promise<number> {
    const { table, scope } = this.#openForChange(definition, 'deleteMany', options, DELETE_MANY_OPTIONS);
    if (options?.where === undefined) {
      throw new InvalidRecordError(`deleteMany ${table.name}: give a filter; { where: {} } means all`, {
        details: { table: table.name },
      });
    }
    const [result] = await this.#run(
      scope,
      'deleteMany',
      table,
      undefined,
      [deleteManyStatement<T>(table, scope, options.where)],
      options,
    );
    return (result as StatementResult).rowCount;
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
    const { table, scope } = this.#openForChange(definition, 'updateMany', options, WRITE_OPTIONS);
    if (where === undefined || where === null) throw invalid(table, 'updateMany takes a filter; {} means all');
    const statement = updateManyStatement<T>(table, scope, where, changes);
    const [result] = await this.#run(scope, 'updateMany', table, undefined, [statement], options);
    return (result as StatementResult).rowCount;
  }

  async #remove(
    operation: 'delete' | 'softDelete',
    build: typeof deleteStatement,
    table: RegisteredTable,
    scope: Scope,
    key: unknown,
    options: RemoveOptions,
  ): Promise<number> {
    const identity = readIdentity(table, scope, key, 'change');
    const revision = readRevision(table, options.revision);
    const [result] = await this.#run(scope, operation, table, key, [build(table, identity, revision)], options);
    const { rowCount } = result as StatementResult;
    if (rowCount > 0 || (revision === undefined && !isOpenKey(table, identity))) return rowCount;
    const reason = await this.#whyUnchanged(operation, table, scope, identity, key, options);
    const isGone = reason instanceof RecordNotFoundError;
    if (isGone || (revision === undefined && reason instanceof RevisionConflictError)) return 0;
    throw reason;
  }

  /** Why a change matched no row: none exists, several instances have one, or it has another revision. */
  async #whyUnchanged(
    operation: string,
    table: RegisteredTable,
    scope: Scope,
    identity: readonly IdentityValue[],
    key: unknown,
    options?: RunOptions,
  ) {
    const [found] = await this.#run(
      scope,
      operation,
      table,
      key,
      [findStatement(table, identity, operation === 'delete' || operation === 'upsert')],
      options,
    );
    const { rows } = found as StatementResult;
    if (rows.length > 1) return ambiguous(table, key);
    return rows.length === 0 ? notFound(table, key) : conflict(operation, table, key);
  }

  #open<Options>(
    definition: AnyTable,
    verb: string,
    options: Options | undefined,
    names: OptionNames<Options>,
  ): { table: RegisteredTable; scope: Scope } {
    checkOptions(verb, options, names);
    const table = this.#parts.table(definition);
    return { table, scope: this.#parts.scopeFor([table]) };
  }

  /** As `#open`, for a verb that changes records. */
  #openForChange<Options extends WriteOptions>(
    definition: AnyTable,
    verb: ChangingVerb,
    options: Options | undefined,
    names: OptionNames<Options>,
  ): { table: RegisteredTable; scope: Scope } {
    const opened = this.#open(definition, verb, options, names);
    if (options?.bypassRealization !== true) this.#parts.checkChange(opened.table, verb);
    return opened;
  }

  async #run(
    scope: Scope,
    operation: string,
    table: RegisteredTable,
    key: unknown,
    statements: readonly Statement[],
    options?: RunOptions,
  ): Promise<StatementResult[]> {
    try {
      return await this.#parts.executor.run(scope, statements, options);
    } catch (error) {
      throw translateError(error, { operation, table: table.name, key: describeKey(table, key) });
    }
  }

  #read<T extends AnyTable>(table: RegisteredTable, row: readonly (string | null)[] | undefined): RecordOf<T> {
    return readRow(table, row as readonly (string | null)[]) as RecordOf<T>;
  }
}
