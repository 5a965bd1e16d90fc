import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { bigint, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import pg from 'pg';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { type Machine, POOL_SIZE, tenantContestant } from './tenant-store.ts';

const machineTable = (name: string) =>
  pgTable(
    name,
    {
      orgId: text('org_id').notNull(),
      id: text('id').notNull(),
      name: text('name').notNull(),
      region: text('region').notNull(),
      cpus: integer('cpus').notNull(),
      revision: bigint('revision', { mode: 'number' }).notNull().default(1),
      createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
      updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
      deletedAt: timestamp('deleted_at', { withTimezone: true }),
    },
    (table) => [primaryKey({ columns: [table.orgId, table.id] })],
  );

/** Drizzle on pg, with its row security recipe: a transaction whose first statement sets role and claims. */
export async function open({ url, tenantRole, tables }: ContestantOptions): Promise<Contestant> {
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE });
  const db = drizzle({ client: pool });
  const machines = new Map(tables.map((name) => [name, machineTable(name)]));
  const tableOf = (name: string) => machines.get(name) as ReturnType<typeof machineTable>;
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0];
  const forOrg = <T>(orgId: string, run: (tx: Tx) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      await tx.execute(
        sql`select set_config('role', ${tenantRole}, true), set_config('intendant.org_id', ${orgId}, true)`,
      );
      return run(tx);
    });
  return tenantContestant({
    find: (name, orgId, id) => {
      const table = tableOf(name);
      return forOrg(orgId, async (tx) =>
        first(
          await tx
            .select()
            .from(table)
            .where(and(eq(table.orgId, orgId), eq(table.id, id), isNull(table.deletedAt))),
        ),
      );
    },
    list: (name, orgId, limit) => {
      const table = tableOf(name);
      return forOrg(orgId, (tx) =>
        tx
          .select()
          .from(table)
          .where(and(eq(table.orgId, orgId), isNull(table.deletedAt)))
          .orderBy(asc(table.orgId), asc(table.id))
          .limit(limit),
      );
    },
    insert: (name, orgId, machine) =>
      forOrg(orgId, async (tx) =>
        first(
          await tx
            .insert(tableOf(name))
            .values({ ...machine, orgId })
            .returning(),
        ),
      ),
    update: (name, orgId, { id, cpus, region, name: machineName, revision }) => {
      const table = tableOf(name);
      return forOrg(orgId, async (tx) =>
        first(
          await tx
            .update(table)
            .set({ name: machineName, region, cpus })
            .where(
              and(
                eq(table.orgId, orgId),
                eq(table.id, id),
                eq(table.revision, Number(revision)),
                isNull(table.deletedAt),
              ),
            )
            .returning(),
        ),
      );
    },
    insertMany: (name, orgId, many) =>
      forOrg(orgId, (tx) => tx.insert(tableOf(name)).values(many.map((machine) => ({ ...machine, orgId })))),
    close: () => pool.end(),
  });
}

function first(rows: readonly Machine[]): Machine {
  const [row] = rows;
  if (row === undefined) throw new Error('no machine at this revision');
  return row;
}
