import type { Transaction } from '@intendant/core';
import { Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';
import type { Inventory } from './inventory.ts';

/** The columns that these queries use. Kysely checks every query against this type. */
interface Database {
  machine: { id: string; site: string; cpus: number; deleted_at: Date | null };
}

/** Kysely expects a pool. One connection that is never given back is enough: it belongs to the transaction. */
function kyselyOf({ client }: Transaction): Kysely<Database> {
  const connection = { query: client.query.bind(client), release: () => {} } as unknown as PostgresPoolClient;
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: { connect: async () => connection, end: async () => {}, options: {} } }),
  });
}

export const kyselyInventory: Inventory = {
  name: 'Kysely',
  cpusBySite: (tx) =>
    kyselyOf(tx)
      .selectFrom('machine')
      .select(['site', sql<number>`sum(cpus)::int`.as('cpus')])
      .where('deleted_at', 'is', null)
      .groupBy('site')
      .orderBy('site')
      .execute(),
  moveMachines: async (tx, from, to) => {
    const moved = await kyselyOf(tx)
      .updateTable('machine')
      .set({ site: to })
      .where('site', '=', from)
      .where('deleted_at', 'is', null)
      .returning('id')
      .execute();
    return moved.map(({ id }) => id).sort();
  },
};
