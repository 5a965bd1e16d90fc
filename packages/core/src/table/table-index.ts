import { createHash } from 'node:crypto';
import { ConfigurationError } from '../error/intendant-error.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import type { Column } from './column.ts';
import { indexName } from './constraint-name.ts';
import { JSON_DOCUMENT } from './wire-format.ts';

/** An index with options besides its fields. */
export interface IndexOptions<Field extends string = string> {
  /** The fields, in the order of the index. `org_id` (and `instance_id`) precede them, except for `gin`. */
  readonly fields: readonly Field[];
  /**
   * No two records of one org (and instance) may have the same values. A null value equals no other. Soft-deleted
   * records do not count, unless `includeDeleted` is set. A second record with the same values causes a
   * DuplicateRecordError. Default false.
   */
  readonly unique?: boolean;
  /** Whether soft-deleted records count for `unique`. Default false. */
  readonly includeDeleted?: boolean;
  /** Makes a partial index: an SQL condition on the table's columns, used verbatim, e.g. `kind = 'a'`. Default: all records. */
  readonly where?: string;
  /**
   * `gin` indexes the contents of JSON documents and arrays. Its operators are not leakproof, so with row security
   * Postgres uses it only under roles that see all orgs. Default `btree`.
   */
  readonly using?: 'btree' | 'gin';
  /**
   * The operator class for `gin`, e.g. `jsonb_path_ops`; with its schema if an extension provides it. Default: the
   * type's default operator class.
   */
  readonly operatorClass?: string;
}

/** An index in a definition: its fields alone, or an object with options. */
export type TableIndex<Field extends string = string> = readonly Field[] | IndexOptions<Field>;

export const indexOptions = (index: TableIndex): IndexOptions =>
  Array.isArray(index) ? { fields: index } : (index as IndexOptions);

/**
 * Equal definitions have the same name, and a different condition gives a different name, so that a changed index is
 * created again.
 */
export function nameOfIndex(tableName: string, index: TableIndex): string {
  const { fields, unique, where, using, operatorClass, includeDeleted } = indexOptions(index);
  const rest = [unique && 'unique', includeDeleted && 'includeDeleted', where, using === 'gin' && 'gin', operatorClass];
  const special = rest.filter((part) => typeof part === 'string');
  if (special.length === 0) return indexName(tableName, fields);
  const hash = createHash('sha256').update(JSON.stringify(special)).digest('hex').slice(0, 8);
  return indexName(tableName, [...fields, hash]);
}

const INDEX_OPTIONS: OptionNames<IndexOptions> = {
  fields: true,
  unique: true,
  includeDeleted: true,
  where: true,
  using: true,
  operatorClass: true,
};

/** Throws ConfigurationError. */
export function checkIndexes(table: string, indexes: readonly TableIndex[], columns: readonly Column[]): void {
  for (const index of indexes) {
    const options = indexOptions(index);
    checkOptions(`table ${table}, index`, options, INDEX_OPTIONS);
    const refuse = (reason: string): never => {
      throw new ConfigurationError(`table ${table}: an index ${reason}`);
    };
    if (!Array.isArray(options.fields) || options.fields.length === 0) refuse('must name its fields');
    for (const field of options.fields) {
      const column = columns.find((candidate) => candidate.field === field);
      if (!column) throw new ConfigurationError(`table ${table}: index column ${field} is not in the schema`);
      if (options.using === 'gin' && !options.operatorClass && column.format !== JSON_DOCUMENT)
        refuse(`using gin needs a JSON column or an operatorClass, and ${field} is not JSON`);
    }
    if (options.using !== undefined && options.using !== 'btree' && options.using !== 'gin')
      refuse(`uses ${JSON.stringify(options.using)}; expected btree or gin`);
    if (options.using === 'gin' && options.unique) refuse('using gin cannot be unique');
    if (options.operatorClass !== undefined && !/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(options.operatorClass))
      refuse(`names ${JSON.stringify(options.operatorClass)}, which is not the name of an operator class`);
  }
}
