import type { Inventory } from './inventory.ts';

/** Plain SQL, run by the transaction itself. The row types are not checked. */
export const sqlInventory: Inventory = {
  name: 'plain SQL',
  cpusBySite: async (tx) => {
    const { rows } = await tx.query<{ site: string; cpus: number }>(
      'select site, sum(cpus)::int as cpus from machine where deleted_at is null group by site order by site',
    );
    return rows;
  },
  moveMachines: async (tx, from, to) => {
    const { rows } = await tx.query<{ id: string }>(
      'update machine set site = $2 where site = $1 and deleted_at is null returning id',
      [from, to],
    );
    return rows.map(({ id }) => id).sort();
  },
};
