import pg from 'pg';
import { urlOf, withClient } from '../dev-database.ts';
import { eventually } from './eventually.ts';

/**
 * URL of a database on the coordinator of a Citus cluster, with nodes added, of a superuser who may connect to each node in
 * the same way. Where it is set, `testDatabase` makes its databases on that cluster.
 */
export const CITUS_VARIABLE = 'CITUS_URL';

/** Whether tests run on a Citus cluster. */
export const isOnCitus = (): boolean => Boolean(process.env[CITUS_VARIABLE]);

/** For `skipIf`: whether a test is skipped because it cannot hold on Citus. The run prints the reason. */
export function cannotHoldOnCitus(reason: string): boolean {
  if (isOnCitus()) console.info(`skipped on Citus: ${reason}`);
  return isOnCitus();
}

interface Node {
  readonly host: string;
  readonly port: number;
  readonly isCoordinator: boolean;
}

async function readNodes(server: string): Promise<Node[]> {
  const { rows } = await withClient(server, (client) =>
    client.query<Node>(
      `select nodename as host, nodeport as port, groupid = 0 as "isCoordinator"
       from pg_dist_node where noderole = 'primary' order by groupid`,
    ),
  );
  return rows;
}

/** The URLs of the same database on each node of the cluster. */
export async function nodeUrls(server: string): Promise<string[]> {
  return (await readNodes(server)).map(({ host, port }) => nodeUrl(server, host, port));
}

function nodeUrl(server: string, host: string, port: number): string {
  const url = new URL(server);
  url.hostname = host;
  url.port = String(port);
  return url.href;
}

/** Creates the database on every node, and makes them one cluster. */
export async function createCitusDatabase(server: string, name: string): Promise<void> {
  const nodes = await readNodes(server);
  await Promise.all(nodes.map(({ host, port }) => createOnNode(nodeUrl(server, host, port), name)));
  await withClient(urlOf(server, name), async (client) => {
    for (const { host, port, isCoordinator } of nodes) {
      const add = isCoordinator ? 'citus_set_coordinator_host' : 'citus_add_node';
      // A node gets all roles of the cluster, which other tests may be dropping.
      await eventually(() => client.query(`select ${add}(${pg.escapeLiteral(host)}, ${Number(port)})`), {
        intervalMs: 200,
      });
    }
  });
}

async function createOnNode(server: string, name: string): Promise<void> {
  await withClient(server, async (client) => {
    await client.query('set citus.enable_create_database_propagation = off');
    await client.query(`create database ${name} template template0`);
  });
  await withClient(urlOf(server, name), async (client) => {
    await client.query('create extension citus');
    await client.query(`alter database ${name} set citus.enable_change_data_capture = on`); // For the feed.
  });
}

/** The number of sessions in the database, on all its servers, for which a condition on `pg_stat_activity` holds. */
export async function countActivity(database: { readonly adminUrl: string }, condition: string): Promise<number> {
  const servers = isOnCitus() ? await nodeUrls(database.adminUrl) : [database.adminUrl];
  const counts = await Promise.all(servers.map((url) => withClient(url, (client) => countOn(client, condition))));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function countOn(client: pg.Client, condition: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and ${condition}`,
  );
  return rows[0]?.count ?? 0;
}
