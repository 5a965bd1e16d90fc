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

const { placeholder } = sql;
const given = (name: string) => sql`${placeholder(name)}`;

/**
 * Drizzle on pg, with its row security recipe: a transaction whose first statement sets role and claims. The other
 * statements are prepared by name with placeholders, as its page on performance advises.
 */
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
  const find = (tx: Tx, name: string) => {
    const table = tableOf(name);
    return tx
      .select()
      .from(table)
      .where(and(eq(table.orgId, given('orgId')), eq(table.id, given('id')), isNull(table.deletedAt)))
      .prepare(`find-${name}`);
  };
  const list = (tx: Tx, name: string) => {
    const table = tableOf(name);
    return tx
      .select()
      .from(table)
      .where(and(eq(table.orgId, given('orgId')), isNull(table.deletedAt)))
      .orderBy(asc(table.orgId), asc(table.id))
      .limit(placeholder('limit'))
      .prepare(`list-${name}`);
  };
  const insert = (tx: Tx, name: string) =>
    tx
      .insert(tableOf(name))
      .values({
        orgId: placeholder('orgId'),
        id: placeholder('id'),
        name: placeholder('name'),
        region: placeholder('region'),
        cpus: placeholder('cpus'),
      })
      .returning()
      .prepare(`insert-${name}`);
  const update = (tx: Tx, name: string) => {
    const table = tableOf(name);
    return tx
      .update(table)
      .set({ name: given('name'), region: given('region'), cpus: given('cpus') })
      .where(
        and(
          eq(table.orgId, given('orgId')),
          eq(table.id, given('id')),
          eq(table.revision, given('revision')),
          isNull(table.deletedAt),
        ),
      )
      .returning()
      .prepare(`update-${name}`);
  };
  return tenantContestant({
    find: (name, orgId, id) => forOrg(orgId, async (tx) => first(await find(tx, name).execute({ orgId, id }))),
    list: (name, orgId, limit) => forOrg(orgId, (tx) => list(tx, name).execute({ orgId, limit })),
    insert: (name, orgId, machine) =>
      forOrg(orgId, async (tx) => first(await insert(tx, name).execute({ ...machine, orgId }))),
    update: (name, orgId, machine) =>
      forOrg(orgId, async (tx) => first(await update(tx, name).execute({ ...machine, orgId }))),
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
