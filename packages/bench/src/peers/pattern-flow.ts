import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { loadFor } from '../contestant/load.ts';
import { orgOf } from '../database/bench-table.ts';
import { inTransaction } from './by-hand/transaction.ts';
import { POOL_SIZE } from './tenant-store.ts';

const PENDING = 800;
const REALIZED = 200;
const POINT = 'E1';

/**
 * Intents and their statuses as a careful user writes them with pg: row security by org on all three tables, a
 * transaction for each step (settings first, then the lock of the overall row), each statement in a round trip of its
 * own. It has neither jobs nor a feed.
 */
export async function open({ url, adminUrl }: ContestantOptions): Promise<Contestant> {
  await createTables(adminUrl, new URL(url).username);
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE });
  return { run: (workload) => flows(pool, workload), close: () => pool.end() };
}

let count = 0;

const flows = (pool: pg.Pool, { clients, durationMs, tenants }: Workload): Promise<Measurement> =>
  loadFor(clients, durationMs, async () => {
    const id = `vm-${process.pid}-${count++}`;
    const orgId = orgOf(count % tenants);
    const revision = await persistIntent(pool, orgId, id);
    await mark(pool, orgId, id, revision, PENDING);
    await mark(pool, orgId, id, revision, REALIZED);
    return undefined;
  });

function persistIntent(pool: pg.Pool, orgId: string, id: string): Promise<number> {
  return inScope(pool, orgId, async (client) => {
    await client.query({
      name: 'overall',
      text: `insert into flow_overall as o values ($1, $2, 1, ${PENDING})
        on conflict (org_id, id) do update set revision = o.revision + 1, status = ${PENDING}`,
      values: [orgId, id],
    });
    const { rows } = await client.query<{ revision: number }>({
      name: 'intent',
      text: `insert into flow_vm as v values ($1, $2, 'a machine', 'us-west-1', 4, 1)
        on conflict (org_id, id) do update set name = excluded.name, region = excluded.region, cpus = excluded.cpus, revision = v.revision + 1
        returning revision`,
      values: [orgId, id],
    });
    return rows[0]?.revision ?? 0;
  });
}

/** Locks the overall row, refuses a mark of an older revision, writes the point's status, and recomputes the overall one. */
function mark(pool: pg.Pool, orgId: string, id: string, revision: number, status: number): Promise<void> {
  return inScope(pool, orgId, async (client) => {
    const { rows } = await client.query<{ revision: number; status: number }>({
      name: 'lock',
      text: 'select revision, status from flow_overall where org_id = $1 and id = $2 for no key update',
      values: [orgId, id],
    });
    const [overall] = rows;
    if (overall?.revision !== revision) throw new Error(`machine ${id} is no longer at revision ${revision}`);
    await client.query({
      name: 'mark',
      text: `insert into flow_enforcement values ($1, $2, $3, $4, $5)
        on conflict (org_id, id, point) do update set revision = $4, status = $5`,
      values: [orgId, id, POINT, revision, status],
    });
    await recompute(client, orgId, id, overall);
  });
}

async function recompute(
  client: pg.PoolClient,
  orgId: string,
  id: string,
  overall: { readonly revision: number; readonly status: number },
): Promise<void> {
  const { rows } = await client.query<{ status: number }>({
    name: 'heaviest',
    text: 'select max(status) as status from flow_enforcement where org_id = $1 and id = $2 and revision = $3',
    values: [orgId, id, overall.revision],
  });
  const heaviest = rows[0]?.status;
  if (heaviest === overall.status) return;
  await client.query({
    name: 'update-overall',
    text: 'update flow_overall set status = $3 where org_id = $1 and id = $2',
    values: [orgId, id, heaviest],
  });
}

/** A transaction that sees the rows of one org. */
const inScope = <T>(pool: pg.Pool, orgId: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T> =>
  inTransaction(pool, async (client) => {
    await client.query({ name: 'scope', text: `select set_config('app.org_id', $1, true)`, values: [orgId] });
    return run(client);
  });

async function createTables(adminUrl: string, login: string): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`
    create table if not exists flow_vm
      (org_id text, id text, name text, region text, cpus int, revision int, primary key (org_id, id));
    create table if not exists flow_overall (org_id text, id text, revision int, status int, primary key (org_id, id));
    create table if not exists flow_enforcement
      (org_id text, id text, point text, revision int, status int, primary key (org_id, id, point))`);
  for (const table of ['flow_vm', 'flow_overall', 'flow_enforcement'])
    await admin.query(`
      alter table ${table} enable row level security;
      drop policy if exists own on ${table};
      create policy own on ${table} using (org_id = current_setting('app.org_id'));
      grant select, insert, update, delete on ${table} to ${pg.escapeIdentifier(login)}`);
  await admin.end();
}
