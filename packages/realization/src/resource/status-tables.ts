import { type AnyTable, ConfigurationError, defineTable } from '@intendant/core';
import { derivedName, keepAtCoordinator, type RegisteredTable } from '@intendant/core/internal';
import { addToRecords } from '@intendant/subscription/internal';
import { z } from 'zod';
import { STATUSES, statusName } from '../status/status.ts';

/** A table of resources and its two status tables. */
export interface StatusTables {
  readonly resource: RegisteredTable;
  readonly overall: RegisteredTable;
  readonly enforcement: RegisteredTable;
}

/** Builds a value once for each set of status tables, e.g. the text of a statement. */
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

/**
 * The overall status table under the name of the resource's table. Errors about a key that a caller gave name the table
 * that the caller knows.
 */
export const keyTable = perStatusTables(
  ({ overall, resource }): RegisteredTable => ({ ...overall, name: resource.name }),
);

/** The condition that the row of the resource's table under this alias exists and is not soft-deleted, in SQL. */
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
  /** The labels that a point must have for the resource to be there; null: its points are listed by name. */
  placement_selector: z.record(z.string(), z.unknown()).nullable(),
} as const;

/** Names that statements use for values of their own, so a key column cannot have them. */
const OWN_PREFIX = 'intendant_';

const TAKEN = new Set([POINT_COLUMN, ...Object.keys(ENFORCEMENT_COLUMNS), ...Object.keys(OVERALL_COLUMNS)]);

/**
 * Defines the status tables of a table. Their rows have the same key, org and instance as the resource's row, so that
 * the same policies separate tenants. Their names are `overall_status_` and `enforcement_status_` followed by the
 * table's name; a name that is too long for Postgres is shortened and gets a hash. Throws ConfigurationError for a
 * table whose resources cannot have a status.
 */
export function defineStatusTables(resource: AnyTable): StatusTableDefinitions {
  checkFit(resource);
  const key = Object.fromEntries(resource.key.map((field) => [field, resource.schema.shape[field] as z.ZodType]));
  const storage = { tenancy: resource.tenancy, instanced: resource.instanced, revisioned: false, softDelete: false };
  const overall = defineTable(derivedName('overall_status', resource.name), {
    schema: z.object({ ...key, ...OVERALL_COLUMNS }),
    key: [...resource.key] as never,
    ...storage,
  }) as unknown as AnyTable;
  const enforcement = defineTable(derivedName('enforcement_status', resource.name), {
    schema: z.object({ ...key, [POINT_COLUMN]: z.string(), ...ENFORCEMENT_COLUMNS }),
    key: [...resource.key, POINT_COLUMN] as never,
    ...storage,
  }) as unknown as AnyTable;
  for (const table of [overall, enforcement]) addToRecords(keepAtCoordinator(table), STATUS_BY_NAME);
  return { overall, enforcement };
}

/** Changes of status tables contain the name of the status in addition to its weight. */
const STATUS_BY_NAME = {
  read: (record: Readonly<Record<string, unknown>>) => ({ status: statusName(record['realization_status'] as number) }),
  values: { status: STATUSES },
};

function checkFit(resource: AnyTable): void {
  if (!resource.revisioned) {
    throw new ConfigurationError(
      `table ${resource.name}: only a revisioned table can be realized; leave out revisioned: false`,
    );
  }
  const taken = resource.key.find((field) => TAKEN.has(field) || field.startsWith(OWN_PREFIX));
  if (taken !== undefined) {
    throw new ConfigurationError(
      `table ${resource.name}: the key column ${taken} is a name of the status tables or their statements; rename it`,
    );
  }
}

/** Tables whose status tables are registered with them. */
export function statusTablesAmong(tables: readonly RegisteredTable[]): StatusTables[] {
  const byName = new Map(tables.map((table) => [table.name, table]));
  return tables.flatMap((resource) => {
    const overall = byName.get(derivedName('overall_status', resource.name));
    const enforcement = byName.get(derivedName('enforcement_status', resource.name));
    return overall && enforcement ? [{ resource, overall, enforcement }] : [];
  });
}
