import { qualifiedName } from '../statement/identifier.ts';
import type { Column } from './column.ts';
import { isKeptOnNodes } from './framework-schema.ts';
import type { AnyTable } from './record-types.ts';
import { SAFE_INTEGER, TEXT, TIMESTAMP } from './wire-format.ts';

/**
 * Where the rows are: `here`, on the server of the connection; `by-org`, on the node of their org; `on-all-nodes`, a copy on
 * each node. Only a store with `distribution` has tables that are not `here`.
 */
export type Placement = 'here' | 'by-org' | 'on-all-nodes';

/** A table that is registered with a store. */
export interface RegisteredTable {
  readonly definition: AnyTable;
  /** The name as defined, unquoted, e.g. `vm`. */
  readonly name: string;
  readonly schemaName: string;
  /** Quoted, e.g. `"public"."vm"`. */
  readonly qualifiedName: string;
  /** All columns in order: org and instance, the schema's, then the framework's. */
  readonly columns: readonly Column[];
  /** The columns that identify a row: `org_id` and `instance_id` if the table has them, then the key. */
  readonly identity: readonly Column[];
  /** The columns of `definition.key`. */
  readonly key: readonly Column[];
  readonly isTenanted: boolean;
  /** Whether the table has `instance_id`. */
  readonly isInstanced: boolean;
  /**
   * Whether the table has `instance_id` but the store has no instancer. Then a record is found by its key, whatever its
   * instance. Several instances can have a record with the same key if another store, with an instancer, wrote them.
   */
  readonly sharesKeys: boolean;
  readonly placement: Placement;
  /** The columns by field name. */
  readonly columnByField: ReadonlyMap<string, Column>;
}

const frameworkColumn = (field: string, name: string, rest: Partial<Column> & Pick<Column, 'format'>): Column => ({
  field,
  name,
  isNullable: false,
  isOmittedWhenNull: false,
  ...rest,
});

export const ORG_ID = frameworkColumn('orgId', 'org_id', { format: TEXT });
export const INSTANCE_ID = frameworkColumn('instanceId', 'instance_id', { format: TEXT, defaultSql: "''::text" });
const REVISION = frameworkColumn('revision', 'revision', { format: SAFE_INTEGER, defaultSql: '1' });
const CREATED_AT = frameworkColumn('createdAt', 'created_at', {
  format: TIMESTAMP,
  defaultSql: 'statement_timestamp()',
});
const UPDATED_AT = frameworkColumn('updatedAt', 'updated_at', {
  format: TIMESTAMP,
  defaultSql: 'statement_timestamp()',
});
const DELETED_AT = frameworkColumn('deletedAt', 'deleted_at', { format: TIMESTAMP, isNullable: true });

/** How a store treats `instance_id`, and where it keeps rows. */
export interface TableUse {
  readonly hasInstancer: boolean;
  /** Whether the primary key in the database has `instance_id`: another store, with an instancer, uses the table. */
  readonly isInstanceStoredInKey: boolean;
  /** Whether the store has `distribution`. Default false. */
  readonly isDistributed?: boolean;
}

/**
 * Makes a registered table: the definition with the framework's columns, in the store's schema. A store without an
 * instancer leaves `instance_id` out of the primary key, unless another store has put it there.
 */
export function describeTable(
  definition: AnyTable,
  schemaName: string,
  { hasInstancer, isInstanceStoredInKey, isDistributed = false }: TableUse,
): RegisteredTable {
  const isInstanceInKey = hasInstancer || isInstanceStoredInKey;
  const isTenanted = definition.tenancy === 'tenant';
  const isInstanced = definition.instanced;
  const scopeColumns = [...(isTenanted ? [ORG_ID] : []), ...(isInstanced ? [INSTANCE_ID] : [])];
  const columns = [
    ...scopeColumns,
    ...definition.columns,
    ...(definition.revisioned ? [REVISION] : []),
    CREATED_AT,
    UPDATED_AT,
    ...(definition.softDelete ? [DELETED_AT] : []),
  ];
  const columnByField = new Map(columns.map((column) => [column.field, column]));
  const key = definition.key.map((field) => columnByField.get(field) as Column);
  const leading = scopeColumns.filter((column) => column !== INSTANCE_ID || isInstanceInKey);
  return {
    definition,
    name: definition.name,
    schemaName,
    qualifiedName: qualifiedName(schemaName, definition.name),
    columns,
    identity: [...leading, ...key],
    key,
    isTenanted,
    isInstanced,
    sharesKeys: isInstanced && !hasInstancer,
    placement: placementOf(isTenanted, isDistributed && isKeptOnNodes(definition)),
    columnByField,
  };
}

function placementOf(isTenanted: boolean, isDistributed: boolean): Placement {
  if (!isDistributed) return 'here';
  return isTenanted ? 'by-org' : 'on-all-nodes';
}
