import { DedicatedConnection } from '@intendant/core/internal';
import type pg from 'pg';

/** A server of a Citus cluster. */
export interface Node {
  /** Its group in `pg_dist_node`; stays the same when a standby takes its place. */
  readonly groupId: number;
  readonly host: string;
  readonly port: number;
}

export const COORDINATOR = 0;

/** Rows of `pg_dist_node` as nodes, the coordinator first. */
const NODES = `
  select groupid as "groupId", nodename as host, nodeport as port
  from pg_catalog.pg_dist_node where noderole = 'primary' order by groupid`;

export async function readNodes(client: pg.ClientBase): Promise<Node[]> {
  const { rows } = await client.query<Node>(NODES);
  return rows;
}

export const describeNode = ({ groupId, host, port }: Node): string =>
  groupId === COORDINATOR ? 'the coordinator' : `the node ${host}:${port}`;

/** The same options for another server: the coordinator keeps the address that was given for it. */
export function connectionTo({ groupId, host, port }: Node, connection: pg.ClientConfig): pg.ClientConfig {
  if (groupId === COORDINATOR) return connection;
  const { connectionString, ...rest } = connection;
  if (connectionString === undefined) return { ...rest, host, port };
  const url = new URL(connectionString);
  url.hostname = host.includes(':') ? `[${host}]` : host;
  url.port = String(port);
  for (const name of ['host', 'port', 'hostaddr']) url.searchParams.delete(name);
  return { ...rest, connectionString: url.href };
}

/** Runs on a connection to the node, which is closed afterwards. */
export async function onNode<T>(
  node: Node,
  connection: pg.ClientConfig,
  run: (client: pg.Client, nodeConnection: pg.ClientConfig) => Promise<T>,
): Promise<T> {
  const nodeConnection = connectionTo(node, connection);
  await using opened = await DedicatedConnection.open({
    connection: nodeConnection,
    applicationName: 'intendant node',
  });
  return await run(opened.client, nodeConnection); // Closed only afterwards.
}
