import type { Scope } from '../context/scope.ts';
import { RecordNotFoundError, RevisionConflictError } from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';
import type { Executor, RunOptions } from '../exchange/executor.ts';
import type { Statement, StatementResult } from '../exchange/statement.ts';
import { describeKey } from '../record/describe-key.ts';
import type { IdentityValue } from '../record/identity.ts';
import { readRow } from '../record/read-row.ts';
import { readRevision } from '../record/write-row.ts';
import type { deleteStatement } from '../statement/delete.ts';
import { findStatement } from '../statement/find.ts';
import { isOpenKey } from '../statement/shared-key.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { ambiguous, conflict, notFound } from './session-error.ts';

type Row = readonly (string | null)[];

/** The parts of a `TableOperation`. */
export interface TableOperationParts {
  readonly verb: string;
  readonly table: RegisteredTable;
  readonly scope: Scope;
  readonly executor: Executor;
  readonly options: RunOptions | undefined;
}

/** One call of a session's method on one table: runs its statements under the scope, and translates errors and rows. */
export class TableOperation<T extends AnyTable> {
  readonly #parts: TableOperationParts;

  constructor(parts: TableOperationParts) {
    this.#parts = parts;
  }

  get table(): RegisteredTable {
    return this.#parts.table;
  }

  get scope(): Scope {
    return this.#parts.scope;
  }

  /** Runs the statement. Errors name the record with this key; undefined for a statement about many records. */
  async run(key: unknown, statement: Statement): Promise<StatementResult> {
    const [result] = await this.runAll(key, [statement]);
    return result as StatementResult;
  }

  /** Runs the statements in one exchange, so in one transaction. */
  async runAll(key: unknown, statements: readonly Statement[]): Promise<StatementResult[]> {
    const { executor, scope, options, verb, table } = this.#parts;
    try {
      return await executor.run(scope, statements, options);
    } catch (error) {
      throw translateError(error, { operation: verb, table: table.name, key: describeKey(table, key) });
    }
  }

  read(row: Row | undefined): RecordOf<T> {
    return readRow(this.table, row as Row) as RecordOf<T>;
  }

  /** Runs a statement that deletes or hides one record, and returns the number of records that it changed. */
  async remove(
    build: typeof deleteStatement,
    identity: readonly IdentityValue[],
    key: unknown,
    expectedRevision: number | undefined,
  ): Promise<number> {
    const revision = readRevision(this.table, expectedRevision);
    const { rowCount } = await this.run(key, build(this.table, identity, revision));
    if (rowCount > 0 || (revision === undefined && !isOpenKey(this.table, identity))) return rowCount;
    const reason = await this.whyUnchanged(identity, key);
    const isMissing = reason instanceof RecordNotFoundError;
    if (isMissing || (revision === undefined && reason instanceof RevisionConflictError)) return 0;
    throw reason;
  }

  /** Returns why a change matched no row: no record exists, several instances have one, or it has another revision. */
  async whyUnchanged(identity: readonly IdentityValue[], key: unknown): Promise<Error> {
    const { table, verb } = this.#parts;
    const includesDeleted = verb === 'delete' || verb === 'upsert';
    const { rows } = await this.run(key, findStatement(table, identity, includesDeleted));
    if (rows.length > 1) return ambiguous(table, key);
    return rows.length === 0 ? notFound(table, key) : conflict(verb, table, key);
  }
}
