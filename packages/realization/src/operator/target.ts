import type { AnyTable, KeyOf } from '@intendant/core';
import type { Executor, RegisteredTable, Scope } from '@intendant/core/internal';
import { type Identity, identitySql } from '../resource/identity-set.ts';
import { identityOf } from '../resource/resource-identity.ts';
import { keyTable, type StatusTables } from '../resource/status-tables.ts';
import { pageSql } from './page.ts';
import { type CheckedFilter, checkFilter, type ResourceFilter } from './resource-filter.ts';

/** The resources of an operation: one by its key, several by their keys, or all that match a filter. */
export type Target<T extends AnyTable> = KeyOf<T> | readonly KeyOf<T>[] | ResourceFilter<T>;

/** A target after its checks. */
export type CheckedTarget =
  | { readonly kind: 'keys'; readonly identities: readonly Identity[] }
  | { readonly kind: 'filter'; readonly filter: CheckedFilter };

/** Throws InvalidRecordError for a value that is neither. An object with every key column is a key. */
export function checkTarget<T extends AnyTable>(
  operation: string,
  tables: StatusTables,
  scope: Scope,
  target: Target<T>,
): CheckedTarget {
  if (isFilter(tables.resource, target))
    return { kind: 'filter', filter: checkFilter<T>(operation, target as ResourceFilter<T>) };
  const keys: readonly unknown[] = Array.isArray(target) ? target : [target];
  return { kind: 'keys', identities: keys.map((key) => identityOf(keyTable(tables), scope, key)) };
}

const isFilter = ({ key }: RegisteredTable, target: unknown): boolean =>
  typeof target === 'object' &&
  target !== null &&
  !Array.isArray(target) &&
  !(target instanceof Date) &&
  !(target instanceof Uint8Array) &&
  !key.every(({ field }) => field in target);

const PAGE = 500;

/** The identities of a target, a page at a time. Each page is read when it is asked for. */
export async function* pagesOf(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  target: CheckedTarget,
): AsyncGenerator<readonly Identity[], void, undefined> {
  if (target.kind === 'keys') {
    for (let first = 0; first < target.identities.length; first += PAGE)
      yield target.identities.slice(first, first + PAGE);
    return;
  }
  for (let after: unknown; ; ) {
    const page = await readPage(executor, scope, tables, target.filter, after);
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = keyOf(tables, page.at(-1) as Identity);
  }
}

async function readPage(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  filter: CheckedFilter,
  after: unknown,
): Promise<Identity[]> {
  const { text, parameters } = pageSql({ tables, scope, filter, orderBy: undefined, after, limit: PAGE });
  const page = `select ${identitySql(tables.overall).of('p')} from (${text}) p order by p.place`;
  const { found } = await executor.run(scope, { found: { text: page, values: parameters.values } });
  return found.rows.map((row) => row.map((value) => value ?? ''));
}

const keyOf = ({ overall }: StatusTables, identity: Identity): Record<string, unknown> =>
  Object.fromEntries(
    overall.identity.map(({ field, format }, index) => [field, format.decode(String(identity[index]))]),
  );
