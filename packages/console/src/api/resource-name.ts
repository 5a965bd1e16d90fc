import type { Access, ReadableTable } from '../caller/access.ts';
import { jsonRecord } from '../resource/json-value.ts';
import { printResourceKey, type ResourceKey } from '../resource/resource-key.ts';

export interface ResourceName {
  readonly table: string;
  readonly id: string;
  readonly key: Record<string, unknown>;
}

/** The name of a resource in a response. The id contains the org only for a caller who sees several orgs. */
export function resourceName({ orgId }: Access, table: ReadableTable, key: ResourceKey): ResourceName {
  const { orgId: _, ...rest } = key;
  const id = printResourceKey(table, orgId === undefined ? key : rest);
  return { table: table.name, id, key: jsonRecord(orgId === undefined ? key : rest) };
}
