import type { AnyTable } from '@intendant/core';
import type { ListedResource, ListOptions, RealizationSession } from '@intendant/realization';

const PAGE_SIZE = 1000;

/** The first `limit` resources that the options select, read in pages. */
export async function listAll(
  session: RealizationSession,
  table: AnyTable,
  options: ListOptions<AnyTable>,
  limit: number,
): Promise<ListedResource<AnyTable>[]> {
  const found: ListedResource<AnyTable>[] = [];
  while (found.length < limit) {
    const after = found.at(-1);
    const size = Math.min(PAGE_SIZE, limit - found.length);
    const page = await session.list(table, { ...options, limit: size, ...(after && { after }) });
    found.push(...page);
    if (page.length < size) break;
  }
  return found;
}
