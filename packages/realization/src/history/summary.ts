import { InvalidRecordError } from '@intendant/core';
import { arrayLiteral, type Executor, type Scope, type Statement } from '@intendant/core/internal';
import { pointTableName } from '../placement/selector.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { type Status, statusOfWeight } from '../status/status.ts';

/** The number of resources by status; a status without resources is absent. */
export type StatusCounts = Readonly<Partial<Record<Status, number>>>;

/** The number of resources of one table by status. */
export interface TableSummary {
  /** The table's name. */
  readonly table: string;
  /** By overall status. */
  readonly overall: StatusCounts;
  /** By status, at each point that has any. */
  readonly points: ReadonlyMap<string, StatusCounts>;
}

/** Throws InvalidRecordError for a value that is not a list. */
export function checkTableList(tables: unknown): void {
  if (tables !== undefined && !Array.isArray(tables))
    throw new InvalidRecordError('summary: give a list of tables, as in summary([vm])');
}

/** Reads the stored counts of the tables, in the given order, without reading the status tables. */
export async function readSummary(
  executor: Executor,
  scope: Scope,
  tables: readonly StatusTables[],
): Promise<TableSummary[]> {
  const { found } = await executor.run(scope, { found: summaryStatement(tables) });
  const byTable = Map.groupBy(found.rows, ([name]) => name);
  return tables.map((table) => summaryOf(table.resource.name, byTable.get(pointTableName(table)) ?? []));
}

const summaryStatement = (tables: readonly StatusTables[]): Statement => ({
  name: 'read-summary',
  text: `
    select table_name, point_id, status, sum(resources)
    from (
      select table_name, point_id, status, resources from intendant.status_count where table_name = any ($1::text[])
      union all
      select table_name, point_id, status, change from intendant.status_change where table_name = any ($1::text[])
    ) counted
    group by 1, 2, 3
    having sum(resources) <> 0
    order by 1, 2, 3`,
  values: [arrayLiteral(tables.map(pointTableName))],
});

function summaryOf(table: string, rows: readonly (readonly (string | null)[])[]): TableSummary {
  const counts = new Map<string, Partial<Record<Status, number>>>();
  for (const [, point, status, resources] of rows) {
    const own = counts.get(String(point)) ?? {};
    own[statusOfWeight(Number(status))] = Number(resources);
    counts.set(String(point), own);
  }
  const overall = counts.get('') ?? {};
  counts.delete('');
  return { table, overall, points: counts };
}

/** The number of resources by status at one point, by table. A table without resources there is absent. */
export const statusesAt = (id: string, summaries: readonly TableSummary[]): Map<string, StatusCounts> =>
  new Map(
    summaries.flatMap(({ table, points }) => {
      const counts = points.get(id);
      return counts === undefined ? [] : [[table, counts] as const];
    }),
  );
