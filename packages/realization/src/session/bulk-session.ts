import { type AnyTable, InvalidRecordError, type KeyOf, type NewRecordOf, type RecordOf } from '@intendant/core';
import { type Executor, readRow, writeRow } from '@intendant/core/internal';
import type { PersistedIntent } from '../intent/persist-intent.ts';
import { persistMany } from '../intent/persist-many.ts';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import { type SoftDeletedMany, softDeleteIntents } from '../intent/remove-many.ts';
import { placementOf } from '../placement/placement-rule.ts';
import { checkSoftDeletion, identityOf } from '../resource/resource-identity.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { OperatorSession } from './operator-session.ts';
import { operate, type RealizationParts } from './session-parts.ts';

/** Intents and removals of many resources at once: all of them, or none. */
export class BulkSession extends OperatorSession {
  readonly #parts: RealizationParts;

  /** @internal */
  constructor(parts: RealizationParts) {
    super(parts);
    this.#parts = parts;
  }

  /**
   * Persists many intents as `persistIntent` does one, in one transaction, a hundred in a round trip. Returns what was
   * stored, in the order of the records. The options are for all of them.
   *
   * Throws what `persistIntent` throws, and then none was persisted.
   */
  async persistIntents<T extends AnyTable>(
    definition: T,
    records: readonly NewRecordOf<T>[],
    options: PersistOptions = {},
  ): Promise<PersistResult<T>[]> {
    if (!Array.isArray(records)) throw new InvalidRecordError('persistIntents: give a list of records');
    const rule = this.#parts.placementRule(definition);
    return operate(this.#parts, 'persistIntents', definition, undefined, async ({ tables, scope }) => {
      const intents = records.map((record) => ({
        identity: identityOf(tables.resource, scope, record),
        row: writeRow(tables.resource, scope, record),
        placement: placementOf(options, rule, record),
      }));
      if (intents.length === 0) return [];
      const atomically = <Result>(run: (executor: Executor) => Promise<Result>) => this.#parts.atomically(scope, run);
      const persisted = await persistMany(atomically, scope, tables, intents);
      return persisted.map((one) => persistResult<T>(tables, one));
    });
  }

  /**
   * Soft-deletes many resources as `softDelete` does one, in one transaction and one round trip. Keys without a visible
   * resource are skipped.
   *
   * Throws ConfigurationError for a table defined with `softDelete: false`.
   */
  async softDeleteMany<T extends AnyTable>(definition: T, keys: readonly KeyOf<T>[]): Promise<SoftDeletedMany<T>> {
    if (!Array.isArray(keys)) throw new InvalidRecordError('softDeleteMany: give a list of keys');
    return operate(this.#parts, 'softDeleteMany', definition, undefined, async ({ tables, scope, core }) => {
      checkSoftDeletion(tables.resource);
      const identities = keys.map((key) => identityOf(tables.resource, scope, key));
      const rows = await softDeleteIntents(core.executor, scope, tables, identities);
      const records = rows.map((row) => readRow(tables.resource, row) as RecordOf<T>);
      return { rowsAffected: records.length, records };
    });
  }
}

/** The stored records and statuses, as returned to the caller. */
export const persistResult = <T extends AnyTable>(
  { resource }: StatusTables,
  { row, status }: PersistedIntent,
): PersistResult<T> => ({ record: readRow(resource, row) as RecordOf<T>, status });
