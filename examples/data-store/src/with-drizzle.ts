import type { Transaction } from '@intendant/core';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgClient } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';

/** The columns that these queries use, as Drizzle defines them. */
const vm = pgTable('vm', { id: text(), name: text(), region: text(), cpus: integer() });

/** Drizzle on the connection of a transaction. */
const drizzleOf = (tx: Transaction) => drizzle(tx.client as NodePgClient);

/** Number of CPUs of the caller's VMs in each region. */
export const cpusByRegion = (tx: Transaction) =>
  drizzleOf(tx)
    .select({ region: vm.region, cpus: sql<number>`sum(${vm.cpus})::int` })
    .from(vm)
    .groupBy(vm.region)
    .orderBy(vm.region);

/** Moves the caller's VMs from one region to another, and returns their ids. */
export const moveRegion = (tx: Transaction, from: string, to: string) =>
  drizzleOf(tx).update(vm).set({ region: to }).where(sql`${vm.region} = ${from}`).returning({ id: vm.id });
