import pg from 'pg';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { plainName } from '../database/bench-table.ts';
import { findMachine, insertMachine, insertMachines, listMachines, type RunSql, updateMachine } from './machine-sql.ts';
import { type Machine, POOL_SIZE, tenantContestant } from './tenant-store.ts';

/** pg alone: prepared statements, one statement per call, on a table without row security. Nothing separates tenants. */
export async function open({ url }: ContestantOptions): Promise<Contestant> {
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE });
  const run: RunSql = async (statement) => (await pool.query<Machine>(statement)).rows;
  return tenantContestant({
    find: (table, orgId, id) => findMachine(run, plainName(table), orgId, id),
    list: (table, orgId, limit) => listMachines(run, plainName(table), orgId, limit),
    insert: (table, orgId, machine) => insertMachine(run, plainName(table), orgId, machine),
    update: (table, orgId, machine) => updateMachine(run, plainName(table), orgId, machine, false),
    insertMany: (table, orgId, machines) => insertMachines(run, plainName(table), orgId, machines),
    close: () => pool.end(),
  });
}
