import type { Machine, NewMachine } from './tenant-store.ts';

/** Runs a statement and returns its rows. With a name it is prepared once per connection, as pg advises. */
export type RunSql = (statement: { name: string; text: string; values: unknown[] }) => Promise<Machine[]>;

/**
 * The statements that a careful developer writes by hand. Each condition contains the org: in the raw form because
 * nothing else separates tenants, in the row security form so that the planner can use it.
 */
const COLUMNS = 'org_id, id, name, region, cpus, revision, created_at, updated_at, deleted_at';

export async function findMachine(run: RunSql, table: string, orgId: string, id: string): Promise<Machine> {
  const rows = await run({
    name: `find-${table}`,
    text: `select ${COLUMNS} from ${table} where org_id = $1 and id = $2 and deleted_at is null`,
    values: [orgId, id],
  });
  return only(rows, id);
}

export function listMachines(run: RunSql, table: string, orgId: string, limit: number): Promise<Machine[]> {
  return run({
    name: `list-${table}`,
    text: `select ${COLUMNS} from ${table} where org_id = $1 and deleted_at is null order by org_id, id limit $2`,
    values: [orgId, limit],
  });
}

export async function insertMachine(run: RunSql, table: string, orgId: string, machine: NewMachine): Promise<Machine> {
  const rows = await run({
    name: `insert-${table}`,
    text: `insert into ${table} (org_id, id, name, region, cpus) values ($1, $2, $3, $4, $5) returning ${COLUMNS}`,
    values: [orgId, machine.id, machine.name, machine.region, machine.cpus],
  });
  return only(rows, machine.id);
}

/** Without our trigger the statement itself increases the revision. */
export async function updateMachine(
  run: RunSql,
  table: string,
  orgId: string,
  machine: Machine,
  hasTrigger: boolean,
): Promise<Machine> {
  const touched = hasTrigger ? '' : ', revision = revision + 1, updated_at = clock_timestamp()';
  const rows = await run({
    name: `update-${table}`,
    text: `update ${table} set name = $4, region = $5, cpus = $6${touched}
      where org_id = $1 and id = $2 and revision = $3 and deleted_at is null returning ${COLUMNS}`,
    values: [orgId, machine.id, machine.revision, machine.name, machine.region, machine.cpus],
  });
  return only(rows, machine.id);
}

export async function insertMachines(
  run: RunSql,
  table: string,
  orgId: string,
  machines: readonly NewMachine[],
): Promise<void> {
  await run({
    name: `insert-many-${table}`,
    text: `insert into ${table} (org_id, id, name, region, cpus)
      select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::int[])`,
    values: [
      orgId,
      machines.map(({ id }) => id),
      machines.map(({ name }) => name),
      machines.map(({ region }) => region),
      machines.map(({ cpus }) => cpus),
    ],
  });
}

function only(rows: readonly Machine[], id: string): Machine {
  const [row] = rows;
  if (row === undefined) throw new Error(`no machine ${id} at this revision`);
  return row;
}
