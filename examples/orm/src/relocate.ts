import type { DataStore } from '@intendant/core';
import type { Inventory, SiteTotal } from './inventory.ts';
import { machine } from './machine.ts';

export interface Relocation {
  readonly before: readonly SiteTotal[];
  readonly moved: readonly string[];
  readonly after: readonly SiteTotal[];
}

/**
 * One transaction of one tenant. The session and the library use the same connection, so that the library sees what the
 * session has just inserted, row security holds for both, and both commit or roll back together.
 */
export const relocate = (store: DataStore, orgId: string, inventory: Inventory): Promise<Relocation> =>
  store.as({ orgId, roles: ['tenant_admin'] }).transaction(
    async (tx) => {
      await tx.insert(machine, { id: 'new', site: 'berlin', cpus: 16 });
      const before = await inventory.cpusBySite(tx);
      const moved = await inventory.moveMachines(tx, 'berlin', 'oslo');
      return { before, moved, after: await inventory.cpusBySite(tx) };
    },
    { tables: [machine] },
  );
