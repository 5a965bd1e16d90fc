import { type Generated, Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { type Machine, POOL_SIZE, tenantContestant } from './tenant-store.ts';

interface MachineRow {
  org_id: string;
  id: string;
  name: string;
  region: string;
  cpus: number;
  revision: Generated<string>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  deleted_at: Date | null;
}
type Database = Record<string, MachineRow>;

/** Kysely on pg, with the org set at the start of a transaction of its own. */
export async function open({ url, tenantRole }: ContestantOptions): Promise<Contestant> {
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: POOL_SIZE }) }),
  });
  const forOrg = <T>(orgId: string, run: (tx: Transaction<Database>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (tx) => {
      await sql`select set_config('role', ${tenantRole}, true), set_config('intendant.org_id', ${orgId}, true)`.execute(
        tx,
      );
      return run(tx);
    });
  return tenantContestant({
    find: (table, orgId, id) =>
      forOrg(orgId, (tx) =>
        tx
          .selectFrom(table)
          .selectAll()
          .where('org_id', '=', orgId)
          .where('id', '=', id)
          .where('deleted_at', 'is', null)
          .executeTakeFirstOrThrow(),
      ) as Promise<Machine>,
    list: (table, orgId, limit) =>
      forOrg(orgId, (tx) =>
        tx
          .selectFrom(table)
          .selectAll()
          .where('org_id', '=', orgId)
          .where('deleted_at', 'is', null)
          .orderBy('org_id')
          .orderBy('id')
          .limit(limit)
          .execute(),
      ) as Promise<Machine[]>,
    insert: (table, orgId, machine) =>
      forOrg(orgId, (tx) =>
        tx
          .insertInto(table)
          .values({ ...machine, org_id: orgId })
          .returningAll()
          .executeTakeFirstOrThrow(),
      ) as Promise<Machine>,
    update: (table, orgId, { id, name, region, cpus, revision }) =>
      forOrg(orgId, (tx) =>
        tx
          .updateTable(table)
          .set({ name, region, cpus })
          .where('org_id', '=', orgId)
          .where('id', '=', id)
          .where('revision', '=', String(revision))
          .where('deleted_at', 'is', null)
          .returningAll()
          .executeTakeFirstOrThrow(),
      ) as Promise<Machine>,
    insertMany: (table, orgId, machines) =>
      forOrg(orgId, (tx) =>
        tx
          .insertInto(table)
          .values(machines.map((machine) => ({ ...machine, org_id: orgId })))
          .execute(),
      ),
    close: () => db.destroy(),
  });
}
