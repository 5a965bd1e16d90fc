import type { Transaction } from '@intendant/core';
import { Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';

/** The columns that these queries use, as Kysely wants to know them. */
interface Database {
  vm: { id: string; name: string; region: string; cpus: number; org_id: string };
}

/** Kysely over the one connection of a transaction, which stays ours to commit and to give back. */
export function kyselyOf(tx: Transaction): Kysely<Database> {
  const { client } = tx;
  const connection = { query: client.query.bind(client), release: () => {} } as unknown as PostgresPoolClient;
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: { connect: async () => connection, end: async () => {}, options: {} } }),
  });
}

/** How many CPUs the caller's VMs have in each region. */
export const cpusByRegion = (tx: Transaction) =>
  kyselyOf(tx)
    .selectFrom('vm')
    .select(['region', sql<number>`sum(cpus)::int`.as('cpus')])
    .groupBy('region')
    .orderBy('region')
    .execute();
