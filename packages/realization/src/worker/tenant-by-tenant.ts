import { isNodeLost, isUnsettled } from '@intendant/core/internal';

/**
 * Writes or begins a batch of several tenants at once. If a node of Citus cannot be reached, it does so for each tenant
 * alone, so that the tenants on other nodes go on. If a record is behind its status, it does so for each item alone. Returns a
 * result for each item; those that must wait get `whenLost`.
 */
export async function tenantByTenant<Item, Result>(
  items: readonly Item[],
  tenantOf: (item: Item) => string,
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  whenLost: Result,
): Promise<readonly Result[]> {
  const results = new Map<Item, Result>();
  const runAll = async (some: readonly Item[]): Promise<void> => {
    try {
      const found = await run(some);
      for (const [index, item] of some.entries()) results.set(item, found[index] ?? whenLost);
    } catch (error) {
      for (const part of partsAfter(error, some, tenantOf)) await runAll(part);
    }
  };
  await runAll(items);
  return items.map((item) => results.get(item) ?? whenLost);
}

/** The parts in which to try again; none if the items must wait. Throws any other error. */
function partsAfter<Item>(error: unknown, items: readonly Item[], tenantOf: (item: Item) => string): Item[][] {
  if (!isNodeLost(error) && !isUnsettled(error)) throw error;
  if (items.length === 1) return [];
  const tenants = [...Map.groupBy(items, tenantOf).values()];
  if (tenants.length > 1) return tenants;
  return isUnsettled(error) ? items.map((item) => [item]) : [];
}
