import { z } from 'zod';
import { ConfigurationError } from '../error/intendant-error.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import { MAX_IDENTIFIER_BYTES } from '../statement/identifier.ts';
import type { Column } from './column.ts';
import { columnFromSchema } from './column.ts';
import { withDatabaseDefaults } from './database-default.ts';
import { checkIndexes, type TableIndex } from './table-index.ts';
import { checkReferences, type TableReference } from './table-reference.ts';
import { BOOLEAN, DOUBLE, JSON_DOCUMENT } from './wire-format.ts';

/** Whether each row belongs to one org (`tenant`) or to all (`shared`). */
export type Tenancy = 'tenant' | 'shared';

/** The properties of a table that its TypeScript types depend on. */
export interface TableTraits {
  /** The key fields, in order. */
  readonly key: readonly string[];
  /** See `TableOptions.tenancy`. */
  readonly tenancy: Tenancy;
  /** See `TableOptions.instanced`. */
  readonly instanced: boolean;
  /** See `TableOptions.revisioned`. */
  readonly revisioned: boolean;
  /** See `TableOptions.softDelete`. */
  readonly softDelete: boolean;
  /** Fields whose value the database computes if a new record has none. */
  readonly defaulted: string;
}

/** The schema of a table: its fields by name, exactly as given. */
export type TableSchema = z.ZodObject;

/** Options of `defineTable`. */
export interface TableOptions<Schema extends TableSchema, Traits extends TableTraits> {
  /** The fields; each column has its field's name. See docs/reference/tables.md for the SQL type of each zod type. */
  readonly schema: Schema;
  /** Fields that identify a row within its org (and instance). Default `['id']`. */
  readonly key?: Traits['key'] & readonly (keyof z.output<Schema> & string)[];
  /** `tenant` adds `org_id`, which then leads the primary key. Default `tenant`. */
  readonly tenancy?: Traits['tenancy'];
  /** Adds `instance_id`, which comes second in the primary key. Default false. */
  readonly instanced?: Traits['instanced'];
  /** Adds `revision`: an optimistic lock that the database keeps. Default true. */
  readonly revisioned?: Traits['revisioned'];
  /** Adds `deleted_at`. Default true. */
  readonly softDelete?: Traits['softDelete'];
  /**
   * Renamed columns: the old name by the new name, e.g. `{ title: 'name' }`. `register` renames them and keeps their values.
   * The entry may stay after the rename. Null says that the column is new, where `register` would otherwise refuse because
   * the column could be a renamed one. Default none.
   */
  readonly renamedFrom?: Readonly<Partial<Record<keyof z.output<Schema> & string, string | null>>>;
  /**
   * Indexes; each list of fields is one index, with `org_id` (and `instance_id`) in front. Use `{ fields, … }` for unique,
   * partial and GIN indexes. Default none.
   */
  readonly indexes?: readonly TableIndex<keyof z.output<Schema> & string>[];
  /**
   * Values that the database computes for new records that have none: SQL expressions by field, e.g. `{ id:
   * 'gen_random_uuid()', requested: 'now()' }`. Names of your own functions must include their schema. Updates use no
   * defaults. Default none.
   */
  readonly defaults?: Readonly<Record<Traits['defaulted'] & keyof z.output<Schema> & string, string>>;
  /** Foreign keys to other tables, each within one org. Default none. */
  readonly references?: readonly TableReference<keyof z.output<Schema> & string>[];
  /** False: changes of the table are not in the feed. Its writes run no trigger, and `subscribe` refuses it. Default true. */
  readonly feed?: boolean;
}

/** What `defineTable` returns: the description of a table, independent of a database. Frozen. */
export interface TableDefinition<Schema extends TableSchema = TableSchema, Traits extends TableTraits = TableTraits> {
  /** The table's name in the database. */
  readonly name: string;
  /** The zod schema of the fields. */
  readonly schema: Schema;
  /** The key fields, in order. */
  readonly key: Traits['key'];
  /** `tenant` if each row belongs to one org, `shared` if rows belong to all. */
  readonly tenancy: Traits['tenancy'];
  /** Whether the table has `instance_id`. */
  readonly instanced: Traits['instanced'];
  /** Whether the table has `revision`. */
  readonly revisioned: Traits['revisioned'];
  /** Whether the table has `deleted_at`. */
  readonly softDelete: Traits['softDelete'];
  /** Earlier names of renamed columns, by new name; null for a column that is new. */
  readonly renamedFrom: Readonly<Record<string, string | null>>;
  /** The declared indexes. */
  readonly indexes: readonly TableIndex[];
  /** The SQL of the values that the database computes, by field. */
  readonly defaults: Readonly<Record<Traits['defaulted'], string>>;
  /** The declared foreign keys. */
  readonly references: readonly TableReference[];
  /** Whether changes of the table are in the feed. */
  readonly feed: boolean;
  /** The columns of the schema, in its order. */
  readonly columns: readonly Column[];
}

/** Fields and columns that the framework adds. A schema must not contain them. */
const RESERVED_FIELDS = new Set([
  'orgId',
  'instanceId',
  'revision',
  'createdAt',
  'updatedAt',
  'deletedAt',
  'org_id',
  'instance_id',
  'created_at',
  'updated_at',
  'deleted_at',
  '__proto__',
]);

type AnyTableOptions = TableOptions<TableSchema, TableTraits>;

const TABLE_OPTIONS: OptionNames<AnyTableOptions> = {
  schema: true,
  key: true,
  tenancy: true,
  instanced: true,
  revisioned: true,
  softDelete: true,
  renamedFrom: true,
  indexes: true,
  defaults: true,
  references: true,
  feed: true,
};

/** Names that a column cannot have because Postgres uses them. https://www.postgresql.org/docs/current/ddl-system-columns.html */
const SYSTEM_COLUMNS = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/**
 * Describes a table. It does not access the database; `store.register` creates the table there.
 *
 * Throws ConfigurationError for a name that is reserved or longer than 63 bytes, a key column that is missing or may be
 * null, a schema that no column can store, and a default that is not a single SQL expression.
 *
 * ```ts
 * const vm = defineTable('vm', { schema: z.object({ id: z.string(), region: z.string() }), indexes: [['region']] });
 * ```
 */
export function defineTable<
  Schema extends TableSchema,
  const Key extends readonly (keyof z.output<Schema> & string)[] = readonly ['id'],
  TenancyOf extends Tenancy = 'tenant',
  Instanced extends boolean = false,
  Revisioned extends boolean = true,
  SoftDelete extends boolean = true,
  Defaulted extends keyof z.output<Schema> & string = never,
>(
  name: string,
  options: TableOptions<
    Schema,
    {
      key: Key;
      tenancy: TenancyOf;
      instanced: Instanced;
      revisioned: Revisioned;
      softDelete: SoftDelete;
      defaulted: Defaulted;
    }
  >,
): TableDefinition<
  Schema,
  {
    key: Key;
    tenancy: TenancyOf;
    instanced: Instanced;
    revisioned: Revisioned;
    softDelete: SoftDelete;
    defaulted: Defaulted;
  }
> {
  checkName(name, `table ${name}`);
  checkOptions(`table ${name}`, options as AnyTableOptions | undefined, TABLE_OPTIONS);
  if (!(options?.schema instanceof z.ZodObject)) {
    throw new ConfigurationError(`table ${name}: schema must be a z.object`);
  }
  const described = Object.entries(options.schema.shape).map(([field, schema]) => {
    checkField(name, field);
    return columnFromSchema(name, field, schema as z.ZodType);
  });
  const defaults = (options.defaults ?? {}) as Readonly<Record<Defaulted, string>>;
  const columns = withDatabaseDefaults(name, described, defaults);
  const key = (options.key ?? ['id']) as readonly string[];
  checkKey(name, key, columns);
  const renamedFrom = (options.renamedFrom ?? {}) as Readonly<Record<string, string | null>>;
  checkRenames(name, renamedFrom, columns);
  const indexes = options.indexes ?? [];
  checkIndexes(name, indexes, columns);
  const references = (options.references ?? []) as readonly TableReference[];
  const { tenancy = 'tenant', instanced = false } = options as { tenancy?: Tenancy; instanced?: boolean };
  checkReferences({ name, tenancy, instanced, columns }, references);
  const definition = Object.freeze({
    name,
    schema: options.schema,
    key: Object.freeze([...key]) as unknown as Key,
    tenancy: options.tenancy ?? ('tenant' as TenancyOf),
    instanced: options.instanced ?? (false as Instanced),
    revisioned: options.revisioned ?? (true as Revisioned),
    softDelete: options.softDelete ?? (true as SoftDelete),
    renamedFrom: Object.freeze({ ...renamedFrom }),
    indexes: Object.freeze(indexes.map((index) => Object.freeze(Array.isArray(index) ? [...index] : { ...index }))),
    references: Object.freeze([...references]),
    defaults: Object.freeze({ ...defaults }),
    feed: options.feed ?? true,
    columns: Object.freeze(columns),
  });
  definitions.add(definition);
  return definition;
}

/** What `defineTable` of this copy of the package returned. */
const definitions = new WeakSet<object>();

/** Throws ConfigurationError for a value that is not a table of this copy of the package. */
export function checkDefinition(caller: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && definitions.has(value)) return;
  const { name } = (value ?? {}) as { name?: unknown };
  const subject = typeof name === 'string' ? `the table ${name}` : 'a table';
  throw new ConfigurationError(
    `${caller}: ${subject} was not made by defineTable of this copy of @intendant/core; if \`npm ls @intendant/core\` lists several copies, install one version of all Intendant packages`,
  );
}

function checkName(name: unknown, subject: string): void {
  if (typeof name !== 'string' || name === '')
    throw new ConfigurationError(`${subject}: the name must be a non-empty string`);
  if (name.includes('\0') || !name.isWellFormed())
    throw new ConfigurationError(`${subject}: the name contains a character that Postgres cannot store`);
  if (Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES) {
    throw new ConfigurationError(
      `${subject}: the name is longer than ${MAX_IDENTIFIER_BYTES} bytes, and Postgres would truncate it; choose a shorter name`,
    );
  }
}

function checkField(table: string, field: string): void {
  checkName(field, `table ${table}, column ${field}`);
  if (RESERVED_FIELDS.has(field)) {
    throw new ConfigurationError(`table ${table}: ${field} is added by the framework; leave it out of the schema`);
  }
  if (SYSTEM_COLUMNS.has(field))
    throw new ConfigurationError(`table ${table}: ${field} is a system column of Postgres`);
}

function checkKey(table: string, key: readonly string[], columns: readonly Column[]): void {
  if (key.length === 0) throw new ConfigurationError(`table ${table}: the key must have at least one column`);
  for (const field of key) {
    const column = columns.find((candidate) => candidate.field === field);
    if (!column) throw new ConfigurationError(`table ${table}: key column ${field} is not in the schema`);
    if (column.isNullable)
      throw new ConfigurationError(`table ${table}: key column ${field} must not be optional or nullable`);
    if (column.format === JSON_DOCUMENT || column.format === DOUBLE || column.format === BOOLEAN) {
      throw new ConfigurationError(`table ${table}: key column ${field} must be text, an integer, a date or bytes`);
    }
  }
}

function checkRenames(
  table: string,
  renamedFrom: Readonly<Record<string, string | null>>,
  columns: readonly Column[],
): void {
  const isField = (name: string) => columns.some(({ field }) => field === name);
  for (const [field, from] of Object.entries(renamedFrom)) {
    if (!isField(field)) throw new ConfigurationError(`table ${table}: renamed column ${field} is not in the schema`);
    if (from === null) continue;
    checkName(from, `table ${table}, old name of column ${field}`);
    if (isField(from) || RESERVED_FIELDS.has(from))
      throw new ConfigurationError(`table ${table}: ${field} cannot be renamed from ${from}, which is still a column`);
  }
}
