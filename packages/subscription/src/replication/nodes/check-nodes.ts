import { ConfigurationError, ConnectionError } from '@intendant/core';
import { type DataStoreInternals, describeThrown, quoteIdentifier } from '@intendant/core/internal';
import type pg from 'pg';
import { COORDINATOR, describeNode, type Node, onNode, readNodes } from './node.ts';
import { readStoredNodes } from './stored-nodes.ts';

interface NodeFacts {
  readonly walLevel: string;
  readonly capture: string;
  readonly mayReplicate: boolean;
  readonly isSuperuser: boolean;
  /** Null if the login may not read the setting. */
  readonly libraryPath: string | null;
  readonly login: string;
  readonly database: string;
}

const FACTS = `
select current_setting('wal_level') as "walLevel", current_setting('citus.enable_change_data_capture', true) as capture,
  rolsuper or rolreplication as "mayReplicate", rolsuper as "isSuperuser",
  case when rolsuper then current_setting('dynamic_library_path') end as "libraryPath",
  current_user as login, current_database() as database
from pg_roles where rolname = current_user`;

/** The coordinator, whose address is that of the given connection. */
const HERE: Node = { groupId: COORDINATOR, host: '', port: 0 };

const LOAD_DECODER = `load '$libdir/citus_decoders/pgoutput'`;
const NO_FILE = '58P01';

interface Settings {
  readonly internals: DataStoreInternals;
  readonly mayLead: boolean;
  readonly replicationConnection: pg.ClientConfig;
}

/**
 * For a process that may lead. Throws ConfigurationError if changes of a node could not be read, and ConnectionError if one cannot be reached. A node that
 * the log was filled from before may be down: its slot keeps the changes.
 */
export async function checkNodes({ internals, mayLead, replicationConnection: connection }: Settings): Promise<void> {
  if (!internals.isDistributed || !mayLead) return;
  const nodes = await onNode(HERE, connection, readNodes);
  if (!nodes.some(({ groupId }) => groupId === COORDINATOR))
    throw refused(
      `the coordinator is not in pg_dist_node, so changes of shared tables could not be read: run select citus_set_coordinator_host('its-address')`,
    );
  for (const node of nodes) await checkNode(node, connection);
}

async function checkNode(node: Node, connection: pg.ClientConfig): Promise<void> {
  const found = await onNode(node, connection, readFacts).catch(async (error) => {
    if (node.groupId !== COORDINATOR && (await onNode(HERE, connection, (client) => hasPlace(client, node)))) return;
    throw new ConnectionError(
      `createSubscriptions: ${describeNode(node)} cannot be reached by the login of replicationConnection at its address in pg_dist_node: ${describeThrown(error)}`,
      { cause: error },
    );
  });
  const fault = found && faultOf(found, describeNode(node));
  if (fault !== undefined) throw refused(fault);
}

/** Whether the log was filled from the node before. */
async function hasPlace(client: pg.Client, { groupId }: Node): Promise<boolean> {
  const { rows } = await client.query<{ isThere: boolean }>(
    `select to_regclass('intendant.feed_node') is not null as "isThere"`,
  );
  if (!rows[0]?.isThere) return false;
  return (await readStoredNodes(client)).some((stored) => stored.groupId === groupId && stored.lsn !== null);
}

async function readFacts(client: pg.Client): Promise<NodeFacts & { readonly hasDecoder: boolean }> {
  const { rows } = await client.query<NodeFacts>(FACTS);
  const facts = rows[0] as NodeFacts;
  return { ...facts, hasDecoder: await hasDecoder(client, facts) };
}

/** Without the decoder of Citus, Postgres would use its own, which reports no change of a shard. Only a superuser can check it. */
async function hasDecoder(client: pg.Client, { isSuperuser, libraryPath, capture }: NodeFacts): Promise<boolean> {
  if (!isSuperuser) return true;
  if (capture === 'on' && !libraryPath?.includes('citus_decoders')) return false;
  return client.query(LOAD_DECODER).then(
    () => true,
    (error) => error.code !== NO_FILE,
  );
}

function faultOf(facts: NodeFacts & { readonly hasDecoder: boolean }, name: string): string | undefined {
  const { walLevel, capture, mayReplicate, hasDecoder: isDecoderThere, login, database } = facts;
  if (walLevel !== 'logical')
    return `the feed needs wal_level = logical on each node, and on ${name} it is ${walLevel}; change the setting there and restart it`;
  if (!mayReplicate)
    return `login ${login} may not read the write-ahead log of ${name}: run alter role ${quoteIdentifier(login)} replication there, or give replicationConnection another login`;
  if (capture !== 'on')
    return `change data capture of Citus is off on ${name}: run alter database ${quoteIdentifier(database)} set citus.enable_change_data_capture = on on the coordinator`;
  if (!isDecoderThere)
    return `the decoder of Citus is not used on ${name}: install citus_decoders/pgoutput with Citus there, and leave dynamic_library_path at its default`;
  return undefined;
}

const refused = (fault: string): ConfigurationError => new ConfigurationError(`createSubscriptions: ${fault}`);
