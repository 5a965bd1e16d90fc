import { type AnyTable, defineTable } from '@intendant/core';
import { z } from 'zod';

/** A column as the catalog describes it. */
export interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly isNotNull: boolean;
}

/** A table as the catalog describes it. */
export interface CatalogTable {
  readonly name: string;
  readonly columns: readonly CatalogColumn[];
  /** Columns of the primary key, in its order. */
  readonly primaryKey: readonly string[];
}

const FRAMEWORK_COLUMNS = new Set(['org_id', 'instance_id', 'revision', 'created_at', 'updated_at', 'deleted_at']);

const SCHEMAS: Readonly<Record<string, () => z.ZodType>> = {
  text: () => z.string(),
  integer: () => z.int32(),
  bigint: () => z.bigint(),
  'double precision': () => z.number(),
  boolean: () => z.boolean(),
  'timestamp with time zone': () => z.date(),
  'timestamp(3) with time zone': () => z.date(),
  bytea: () => z.instanceof(Uint8Array),
  jsonb: () => z.unknown(),
};

/**
 * Makes the definition of a table from the catalog, for a command without a configuration. Columns of types that a store
 * does not write are left out. Returns undefined for a table that no store can have created.
 */
export function tableFromCatalog({ name, columns, primaryKey }: CatalogTable): AnyTable | undefined {
  const names = new Set(columns.map((column) => column.name));
  const key = primaryKey.filter((column) => column !== 'org_id' && column !== 'instance_id');
  const shape = Object.fromEntries(
    columns.flatMap((column) => (FRAMEWORK_COLUMNS.has(column.name) ? [] : fieldOf(column))),
  );
  if (key.length === 0 || key.some((column) => shape[column] === undefined)) return undefined;
  return defineTable(name, {
    schema: z.object(shape),
    key: key as never,
    tenancy: names.has('org_id') ? 'tenant' : 'shared',
    instanced: names.has('instance_id'),
    revisioned: names.has('revision'),
    softDelete: names.has('deleted_at'),
  }) as unknown as AnyTable;
}

function fieldOf({ name, type, isNotNull }: CatalogColumn): [string, z.ZodType][] {
  const schema = SCHEMAS[type]?.();
  if (schema === undefined) return [];
  return [[name, isNotNull ? schema : schema.nullable()]];
}
