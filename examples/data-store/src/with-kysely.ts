import type { Transaction } from '@intendant/core';
import { Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';

/** The columns that these queries use, as Kysely defines them. */
interface Database {
  vm: { id: string; name: string; region: string; cpus: number; org_id: string };
}

/** Kysely on the connection of a transaction. The framework commits the transaction and releases the connection. */
export function kyselyOf(tx: Transaction): Kysely<Database> {
  const { client } = tx;
  const connection = { query: client.query.bind(client), release: () => {} } as unknown as PostgresPoolClient;
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: { connect: async () => connection, end: async () => {}, options: {} } }),
  });
}

/** Number of CPUs of the caller's VMs in each region. */
export const cpusByRegion = (tx: Transaction) =>
  kyselyOf(tx)
    .selectFrom('vm')
    .select(['region', sql<number>`sum(cpus)::int`.as('cpus')])
    .groupBy('region')
    .orderBy('region')
    .execute();
