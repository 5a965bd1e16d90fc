import type pg from 'pg';

const ROWS_A_STATEMENT = 10_000;
let count = 0;

/** Inserts this many machines of one org, thousands with each statement. */
export async function insertMachines(client: pg.Client, table: string, size: number): Promise<void> {
  for (let left = size; left > 0; left -= ROWS_A_STATEMENT) {
    await client.query(
      `insert into ${table} (org_id, id, name, region, cpus)
       select 'org-00000', $1 || number, 'a machine', 'us-west-1', 4 from generate_series(1, $2::int) as number`,
      [`many-${process.pid}-${count++}-`, Math.min(left, ROWS_A_STATEMENT)],
    );
  }
}
