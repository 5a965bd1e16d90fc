import { isNodeLost } from '@intendant/core/internal';

/**
 * Writes or begins a batch of several tenants at once. If a node of Citus cannot be reached, it does so for each tenant
 * alone, so that the tenants on other nodes go on. Returns a result for each item; those of a lost node get `whenLost`.
 */
export async function tenantByTenant<Item, Result>(
  items: readonly Item[],
  tenantOf: (item: Item) => string,
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  whenLost: Result,
): Promise<readonly Result[]> {
  const all = await unlessNodeLost(run(items));
  if (all !== undefined) return all;
  const results = new Map<Item, Result>();
  for (const own of Map.groupBy(items, tenantOf).values()) {
    const found = own.length === items.length ? undefined : await unlessNodeLost(run(own));
    for (const [index, item] of own.entries()) results.set(item, found?.[index] ?? whenLost);
  }
  return items.map((item) => results.get(item) ?? whenLost);
}

/** Undefined if a node cannot be reached. */
const unlessNodeLost = <Result>(running: Promise<Result>): Promise<Result | undefined> =>
  running.catch((error: unknown) => {
    if (isNodeLost(error)) return undefined;
    throw error;
  });
