import type { AnyTable, KeyOf, RecordOf } from '@intendant/core';
import { type Executor, quoteIdentifier, readRow, type Scope } from '@intendant/core/internal';
import { identitySql } from '../resource/identity-set.ts';
import { readTime } from '../resource/json-time.ts';
import { resourcesOf } from '../resource/resource-rows.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import type { StatusRecord } from '../status/read-status.ts';
import { countSql, pageSql } from './page.ts';
import {
  type CheckedFilter,
  checkLimit,
  checkListFilter,
  type ListOptions,
  type ResourceOrder,
} from './resource-filter.ts';
import { enforcementJson, overallJson, readEnforcementJson, readOverallJson } from './status-json.ts';

/** A resource with its statuses. */
export interface ListedResource<T extends AnyTable> {
  /** Its key columns, and its org and instance where the table has them. */
  readonly key: Extract<KeyOf<T>, object>;
  /** Null when the resource's row no longer exists and only its statuses do. A soft-deleted one has `deletedAt`. */
  readonly record: RecordOf<T> | null;
  /** The overall status. */
  readonly overall: StatusRecord;
  /** By enforcement point. */
  readonly enforcement: ReadonlyMap<string, StatusRecord>;
  /**
   * The time of the last change of the status: at the point that the filter names, else of the overall status. A
   * repeated failure of an attempt counts as a change.
   */
  readonly since: Date;
}

/** Lists the resources in one round trip. */
export async function listResources<T extends AnyTable>(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  options: ListOptions<T>,
): Promise<ListedResource<T>[]> {
  const filter = checkListFilter(options);
  const { text, parameters } = pageSql({
    tables,
    scope,
    filter,
    orderBy: options.orderBy as ResourceOrder<AnyTable> | undefined,
    after: options.after,
    limit: checkLimit('list', options.limit),
  });
  const { found } = await executor.run(scope, {
    found: { name: nameOf(filter), text: listSql(tables, text), values: parameters.values },
  });
  return found.rows.map((row) => readListed<T>(tables, row));
}

export async function countResources(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  filter: CheckedFilter,
): Promise<number> {
  const { text, parameters } = countSql(tables, scope, filter);
  const { found } = await executor.run(scope, { found: { text, values: parameters.values } });
  return Number(found.rows[0]?.[0]);
}

/** The statement is prepared, unless the filter on records may have any number of shapes. */
const nameOf = ({ where }: CheckedFilter): string | undefined => (where === undefined ? 'list-resources' : undefined);

function listSql(tables: StatusTables, page: string): string {
  const { of, same } = identitySql(tables.overall);
  const columns = tables.resource.columns.map(({ name }) => `r.${quoteIdentifier(name)}`).join(', ');
  return `
    with page as (${page})
    select to_json(p.since), ${overallJson('o')}, ${enforcementJson(tables, 'p')}, r.revision is not null, ${of('p')}, ${columns}
    from page p
    join ${tables.overall.qualifiedName} o on ${same('o', 'p')}
    left join ${resourcesOf(tables, 'p', 'page p')}
    order by p.place`;
}

function readListed<T extends AnyTable>(tables: StatusTables, row: readonly (string | null)[]): ListedResource<T> {
  const { identity } = tables.resource;
  const [since, overall, enforcement, isThere, ...rest] = row;
  const key = identity.map(({ field, format }, index) => [field, format.decode(String(rest[index]))]);
  return {
    key: Object.fromEntries(key) as Extract<KeyOf<T>, object>,
    record: isThere === 't' ? (readRow(tables.resource, rest.slice(identity.length)) as RecordOf<T>) : null,
    overall: readOverallJson(overall),
    enforcement: readEnforcementJson(enforcement),
    since: readTime(since),
  };
}
