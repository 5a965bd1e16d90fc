import { identitySql } from '../resource/identity-set.ts';
import { POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';
import { atPoint, type StatusRecord } from '../status/read-status.ts';
import { isStalePoint } from '../status/stale-point.ts';
import { statusOfWeight } from '../status/status.ts';

/*
 * One statement reads the statuses of many resources, those of each resource as JSON: one row for each resource, with
 * any number of points. Timestamps in JSON are ISO 8601 with every DateStyle of the connection.
 */

const STATUS_FIELDS = ['realization_status', 'additional_details', 'resource_revision', 'created_at', 'updated_at'];

type StatusTuple = readonly [number, string, number, string, string];

const fieldsOf = (alias: string): string => STATUS_FIELDS.map((name) => `${alias}.${name}`).join(', ');

/** SQL for the overall row under this alias, as JSON. */
export const overallJson = (alias: string): string => `json_build_array(${fieldsOf(alias)})`;

/** SQL for all enforcement rows of the resource under this alias, as JSON. */
export const enforcementJson = (tables: StatusTables, alias: string): string => `(
      select json_agg(json_build_array(e.${POINT_COLUMN}, ${isStalePoint(`e.${POINT_COLUMN}`)}, ${fieldsOf('e')}) order by e.${POINT_COLUMN})
      from ${tables.enforcement.qualifiedName} e where ${identitySql(tables.overall).same('e', alias)})`;

export const readOverallJson = (text: string | null | undefined): StatusRecord =>
  toStatusRecord(JSON.parse(String(text)) as StatusTuple);

export function readEnforcementJson(text: string | null | undefined): Map<string, StatusRecord> {
  if (text === null || text === undefined) return new Map();
  const rows = JSON.parse(text) as [string, boolean, ...StatusTuple][];
  return new Map(rows.map(([point, isStale, ...status]) => [point, atPoint(toStatusRecord(status), isStale)]));
}

const toStatusRecord = ([weight, additionalDetails, revision, createdAt, updatedAt]: StatusTuple): StatusRecord => ({
  status: statusOfWeight(weight),
  additionalDetails,
  revision,
  createdAt: new Date(createdAt),
  updatedAt: new Date(updatedAt),
});
