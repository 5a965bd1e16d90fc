import { createHash } from 'node:crypto';
import { ConfigurationError } from '../error/intendant-error.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import type { Column } from './column.ts';
import { indexName } from './constraint-name.ts';
import { JSON_DOCUMENT } from './wire-format.ts';

/** An index with more to say than its fields. */
export interface IndexOptions<Field extends string = string> {
  /** In this order. `org_id` (and `instance_id`) are put in front, except for `gin`. */
  readonly fields: readonly Field[];
  /**
   * No two records of one org (and instance) hold the same values; a field that is null is equal to no other. Records
   * that are soft-deleted do not count, unless `includeDeleted` is set. A second one is a DuplicateRecordError. Default false.
   */
  readonly unique?: boolean;
  /** Lets soft-deleted records count for `unique`. Default false. */
  readonly includeDeleted?: boolean;
  /** A partial index: an SQL condition on the table's columns, taken as it is, e.g. `kind = 'a'`. Default all records. */
  readonly where?: string;
  /**
   * `gin` indexes what is inside JSON documents and arrays. Row security lets Postgres use it under roles that see all
   * orgs only, since its operators are not leakproof. Default `btree`.
   */
  readonly using?: 'btree' | 'gin';
  /** For `gin`, e.g. `jsonb_path_ops`, or with its schema for an extension's. Default Postgres' own for the type. */
  readonly operatorClass?: string;
}

/** An index as a definition holds it: the fields alone, or with options. */
export type TableIndex<Field extends string = string> = readonly Field[] | IndexOptions<Field>;

export const indexOptions = (index: TableIndex): IndexOptions =>
  Array.isArray(index) ? { fields: index } : (index as IndexOptions);

/** The same definition has the same name, and another condition another one, so that a changed index is made anew. */
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
        refuse(`using gin needs JSON, which ${field} is not, or an operatorClass`);
    }
    if (options.using !== undefined && options.using !== 'btree' && options.using !== 'gin')
      refuse(`uses ${JSON.stringify(options.using)}; there are btree and gin`);
    if (options.using === 'gin' && options.unique) refuse('using gin cannot be unique');
    if (options.operatorClass !== undefined && !/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(options.operatorClass))
      refuse(`names ${JSON.stringify(options.operatorClass)}, which is no operator class`);
  }
}
