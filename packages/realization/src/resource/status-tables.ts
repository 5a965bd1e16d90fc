import { type AnyTable, ConfigurationError, defineTable } from '@intendant/core';
import { derivedName, type RegisteredTable } from '@intendant/core/internal';
import { addToRecords } from '@intendant/subscription/internal';
import { z } from 'zod';
import { statusName } from '../status/status.ts';

/** A table of resources and its two status tables. */
export interface StatusTables {
  readonly resource: RegisteredTable;
  readonly overall: RegisteredTable;
  readonly enforcement: RegisteredTable;
}

/** Builds something for a set of status tables once, e.g. a statement's text. */
export function perStatusTables<T>(build: (tables: StatusTables) => T): (tables: StatusTables) => T {
  const built = new WeakMap<StatusTables, T>();
  return (tables) => {
    const known = built.get(tables);
    if (known !== undefined) return known;
    const made = build(tables);
    built.set(tables, made);
    return made;
  };
}

/** That the row of the resource's table under this alias is there and not soft-deleted, in SQL. */
export const isAlive = (tables: StatusTables, alias: string): string =>
  `(${alias}.revision is not null${tables.resource.definition.softDelete ? ` and ${alias}.deleted_at is null` : ''})`;

export interface StatusTableDefinitions {
  readonly overall: AnyTable;
  readonly enforcement: AnyTable;
}

export const POINT_COLUMN = 'enforcement_point_id';

const STATUS_COLUMNS = {
  realization_status: z.int32(),
  additional_details: z.string(),
  resource_revision: z.int(),
} as const;

const ENFORCEMENT_COLUMNS = {
  ...STATUS_COLUMNS,
  /** Whether the resource is to be removed from this point. An ERROR alone does not show that. */
  is_removal: z.boolean(),
  /** The number of the worker's attempt that wrote the status; null: no worker wrote it. */
  attempt: z.int32().nullable(),
} as const;

const OVERALL_COLUMNS = {
  ...STATUS_COLUMNS,
  /** What labels a point must have for the resource to be there; null: its points are named one by one. */
  placement_selector: z.record(z.string(), z.unknown()).nullable(),
} as const;

/** What statements call values of their own, so that no key column can be called the same. */
const OWN_PREFIX = 'intendant_';

const TAKEN = new Set([POINT_COLUMN, ...Object.keys(ENFORCEMENT_COLUMNS), ...Object.keys(OVERALL_COLUMNS)]);

/**
 * The status tables of a table: told apart as its rows are, and bound to the same org and instance, so that the same
 * policies keep tenants apart in them. Their names are `overall_status_` and `enforcement_status_` with the table's, cut
 * with a hash where that is longer than Postgres takes. Throws ConfigurationError for a table whose resources cannot have a status.
 */
export function defineStatusTables(resource: AnyTable): StatusTableDefinitions {
  checkFit(resource);
  const key = Object.fromEntries(resource.key.map((field) => [field, resource.schema.shape[field] as z.ZodType]));
  const traits = { tenancy: resource.tenancy, instanced: resource.instanced, revisioned: false, softDelete: false };
  const overall = defineTable(derivedName('overall_status', resource.name), {
    schema: z.object({ ...key, ...OVERALL_COLUMNS }),
    key: [...resource.key] as never,
    ...traits,
  }) as unknown as AnyTable;
  const enforcement = defineTable(derivedName('enforcement_status', resource.name), {
    schema: z.object({ ...key, [POINT_COLUMN]: z.string(), ...ENFORCEMENT_COLUMNS }),
    key: [...resource.key, POINT_COLUMN] as never,
    ...traits,
  }) as unknown as AnyTable;
  for (const table of [overall, enforcement]) addToRecords(table, statusByName);
  return { overall, enforcement };
}

/** Changes of status tables carry the status by name beside its weight. */
const statusByName = (record: Readonly<Record<string, unknown>>) => ({
  status: statusName(record['realization_status'] as number),
});

function checkFit(resource: AnyTable): void {
  if (!resource.revisioned) {
    throw new ConfigurationError(
      `table ${resource.name}: only a revisioned table can be realized; leave out revisioned: false`,
    );
  }
  const taken = resource.key.find((field) => TAKEN.has(field) || field.startsWith(OWN_PREFIX));
  if (taken !== undefined) {
    throw new ConfigurationError(
      `table ${resource.name}: the key column ${taken} is a name of the status tables or their statements; call it otherwise`,
    );
  }
}

/** Resources whose status tables are being registered with them. */
export function statusTablesAmong(tables: readonly RegisteredTable[]): StatusTables[] {
  const byName = new Map(tables.map((table) => [table.name, table]));
  return tables.flatMap((resource) => {
    const overall = byName.get(derivedName('overall_status', resource.name));
    const enforcement = byName.get(derivedName('enforcement_status', resource.name));
    return overall && enforcement ? [{ resource, overall, enforcement }] : [];
  });
}
