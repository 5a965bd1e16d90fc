import type { AnyTable, KeyOf, NewRecordOf } from '@intendant/core';
import type { PersistOptions, PersistResult } from '../intent/persist-result.ts';
import type { SoftDeletedMany } from '../intent/remove-many.ts';
import { persistIntentsRequest, softDeleteManyRequest } from '../operation/build.ts';
import { OperatorSession } from './operator-session.ts';
import { performRequest, type RealizationParts } from './session-parts.ts';

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
    return performRequest(this.#parts, persistIntentsRequest(definition, records, options));
  }

  /**
   * Soft-deletes many resources as `softDelete` does one, in one transaction and one round trip. Keys without a visible
   * resource are skipped.
   *
   * Throws ConfigurationError for a table defined with `softDelete: false`.
   */
  async softDeleteMany<T extends AnyTable>(definition: T, keys: readonly KeyOf<T>[]): Promise<SoftDeletedMany<T>> {
    return performRequest(this.#parts, softDeleteManyRequest(definition, keys));
  }
}
