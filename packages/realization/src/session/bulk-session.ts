import { type AnyTable, InvalidRecordError, type KeyOf, type NewRecordOf, type RecordOf } from '@intendant/core';
import { type Executor, readRow, type Scope, writeRow } from '@intendant/core/internal';
import { type IntentToPersist, mayBeNowhere } from '../intent/persist-intent.ts';
import { persistMany } from '../intent/persist-many.ts';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import { softDeleteIntent } from '../intent/remove.ts';
import { readStatuses } from '../operator/read-statuses.ts';
import { placementOf } from '../placement/placement-rule.ts';
import { checkSoftDeletion, identityOf, removalOf } from '../resource/resource-identity.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { lockOverallStatus } from '../status/overall-status.ts';
import { OperatorSession } from './operator-session.ts';
import { operate, type RealizationParts } from './session-parts.ts';

/** What `softDeleteMany` hid. */
export interface SoftDeletedMany<T extends AnyTable> {
  /** How many resources were hidden. */
  readonly rowsAffected: number;
  /** The hidden records, their revisions grown by one, in the order of the keys; those that were not there are left out. */
  readonly records: readonly RecordOf<T>[];
}

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
    return operate(this.#parts, 'persistIntents', definition, undefined, async ({ tables, scope, core }) => {
      const intents = records.map((record) => ({
        identity: identityOf(tables.resource, scope, record),
        row: writeRow(tables.resource, scope, record),
        placement: placementOf(options, rule, record),
      }));
      if (intents.length === 0) return [];
      const inTransaction = <Result>(run: (executor: Executor) => Promise<Result>) =>
        this.#parts.inTransaction(scope, run);
      const rows = await persistMany(inTransaction, core.isTransaction, scope, tables, intents);
      return persistResults<T>(core.executor, scope, tables, intents, rows);
    });
  }

  /**
   * Soft-deletes many resources as `softDelete` does one, in one transaction. Keys of which there is none are passed over.
   *
   * Throws ConfigurationError for a table defined with `softDelete: false`.
   */
  async softDeleteMany<T extends AnyTable>(definition: T, keys: readonly KeyOf<T>[]): Promise<SoftDeletedMany<T>> {
    if (!Array.isArray(keys)) throw new InvalidRecordError('softDeleteMany: give a list of keys');
    return operate(this.#parts, 'softDeleteMany', definition, undefined, ({ tables, scope }) => {
      checkSoftDeletion(tables.resource);
      const removals = keys.map((key) => removalOf(tables.resource, scope, key, {}));
      return this.#parts.inTransaction(scope, async (executor) => {
        const records: RecordOf<T>[] = [];
        await executor.run(scope, [
          lockOverallStatus(
            tables,
            removals.map(({ identity }) => identity),
          ),
        ]);
        for (const removal of removals) {
          const row = await softDeleteIntent(executor, scope, tables, removal);
          if (row) records.push(readRow(tables.resource, row) as RecordOf<T>);
        }
        return { rowsAffected: records.length, records };
      });
    });
  }
}

/** What was stored, with its status: an intent that is to be nowhere has nothing to wait for. */
export async function persistResults<T extends AnyTable>(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
  rows: readonly (readonly (string | null)[])[],
): Promise<PersistResult<T>[]> {
  const records = rows.map((row) => readRow(tables.resource, row) as RecordOf<T>);
  const unsure = records.filter((_, index) => mayBeNowhere((intents[index] as IntentToPersist).placement));
  const statuses = await readStatuses(executor, scope, tables, unsure);
  return records.map((record) => ({ record, status: statuses.get(record)?.overall.status ?? 'PENDING' }));
}
