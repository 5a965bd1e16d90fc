import type { Transaction } from '@intendant/core';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { drizzle, type NodePgClient } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Inventory } from './inventory.ts';

/** The columns that these queries use. Drizzle derives the types of rows and conditions from this value. */
const machines = pgTable('machine', {
  id: text().notNull(),
  site: text().notNull(),
  cpus: integer().notNull(),
  deletedAt: timestamp('deleted_at', { withTimezone: true }),
});

/** Drizzle takes the transaction's client as it is. */
const drizzleOf = ({ client }: Transaction) => drizzle(client as NodePgClient);

export const drizzleInventory: Inventory = {
  name: 'Drizzle',
  cpusBySite: (tx) =>
    drizzleOf(tx)
      .select({ site: machines.site, cpus: sql<number>`sum(${machines.cpus})::int` })
      .from(machines)
      .where(isNull(machines.deletedAt))
      .groupBy(machines.site)
      .orderBy(machines.site),
  moveMachines: async (tx, from, to) => {
    const moved = await drizzleOf(tx)
      .update(machines)
      .set({ site: to })
      .where(and(eq(machines.site, from), isNull(machines.deletedAt)))
      .returning({ id: machines.id });
    return moved.map(({ id }) => id).sort();
  },
};
