import pg from 'pg';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { findMachine, insertMachine, insertMachines, listMachines, type RunSql, updateMachine } from './machine-sql.ts';
import { type Machine, POOL_SIZE, tenantContestant } from './tenant-store.ts';

/** Row security as it is usually written by hand: BEGIN, set_config, the statement, COMMIT, one after the other. */
export async function open({ url, tenantRole }: ContestantOptions): Promise<Contestant> {
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE });
  const forOrg =
    (orgId: string): RunSql =>
    async (statement) => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query({
          name: 'scope',
          text: `select set_config('role', $1, true), set_config('intendant.org_id', $2, true)`,
          values: [tenantRole, orgId],
        });
        const { rows } = await client.query<Machine>(statement);
        await client.query('commit');
        return rows;
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    };
  return tenantContestant({
    find: (table, orgId, id) => findMachine(forOrg(orgId), table, orgId, id),
    list: (table, orgId, limit) => listMachines(forOrg(orgId), table, orgId, limit),
    insert: (table, orgId, machine) => insertMachine(forOrg(orgId), table, orgId, machine),
    update: (table, orgId, machine) => updateMachine(forOrg(orgId), table, orgId, machine, true),
    insertMany: (table, orgId, machines) => insertMachines(forOrg(orgId), table, orgId, machines),
    close: () => pool.end(),
  });
}
