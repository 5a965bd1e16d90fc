import type { Check } from './examination.ts';
import type { Finding } from './finding.ts';
import { SLOTS, type Slot, slotFindings } from './slot-checks.ts';

/** What the feed needs on a node of Citus. */
interface NodeFacts {
  readonly walLevel: string;
  readonly slots: readonly Slot[] | null;
  readonly published: readonly string[] | null;
}

/** A node, and what was found there. */
export interface FoundNode {
  readonly name: string;
  readonly isCoordinator: boolean;
  /** Whether the log has been filled from this node. */
  readonly isRead: boolean;
  /** The name of the feed's slot, which is the same on each node. Null if the coordinator has none. */
  readonly slot: string | null;
  /** The tables of the feed whose rows are on the nodes. */
  readonly tables: readonly string[];
  readonly facts: NodeFacts;
}

const FACTS = `
  select json_build_object('walLevel', current_setting('wal_level'),
    'slots', (select json_agg(s) from (${SLOTS}) s),
    'published', (select json_agg(format('%I.%I', schemaname, tablename)) from pg_publication_tables where pubname = 'intendant_feed'))`;

/** A node that cannot be reached is left out: the audit of isolation tells of it. */
const NODES = `
  select format('%s:%s', n.nodename, n.nodeport) as name, n.groupid = 0 as "isCoordinator", r.result::json as facts,
    exists (select from intendant.feed_node f where f.group_id = n.groupid) as "isRead",
    (select slot_name from pg_replication_slots
     where database = current_database() and plugin = 'pgoutput' and starts_with(slot_name, 'intendant_') limit 1) as slot,
    array(select format('%I.%I', t.schemaname, t.tablename) from pg_publication_tables t
      join pg_dist_partition p on p.logicalrelid = format('%I.%I', t.schemaname, t.tablename)::regclass
      where t.pubname = 'intendant_feed' and p.partmethod = 'h') as tables
  from run_command_on_all_nodes($1) r join pg_dist_node n on n.nodeid = r.nodeid
  where r.success and n.noderole = 'primary'
  order by n.groupid`;

/** On Citus: whether each node's changes reach the feed. */
export const checkNodes: Check = async ({ workspace, has }) => {
  if (!(await has('intendant.feed_node')) || !(await has('pg_catalog.pg_dist_node'))) return [];
  const nodes = await workspace.query<FoundNode>(NODES, [FACTS]);
  return nodes.flatMap(nodeFindings);
};

export const nodeFindings = (node: FoundNode): Finding[] => [
  ...walLevelFindings(node),
  ...(node.isCoordinator ? [] : workerFindings(node)),
];

function walLevelFindings({ name, facts: { walLevel } }: FoundNode): Finding[] {
  if (walLevel === 'logical') return [];
  return [
    {
      check: 'wal-level',
      severity: 'error',
      subject: `node ${name}`,
      message: `its wal_level is ${walLevel}, so its changes are not in the feed`,
      cure: `alter system set wal_level = 'logical' on ${name}, and restart it.`,
    },
  ];
}

function workerFindings({ name, isRead, slot, tables, facts }: FoundNode): Finding[] {
  const slots = facts.slots ?? [];
  const isMissing = isRead && slot !== null && slots.every((other) => other.name !== slot);
  return [
    ...slotFindings(slots, name),
    ...(isMissing ? [missingSlot(slot, name)] : []),
    ...tables.filter((table) => !facts.published?.includes(table)).map((table) => unpublished(table, name)),
  ];
}

const missingSlot = (slot: string, node: string): Finding => ({
  check: 'slot',
  severity: 'error',
  subject: `replication slot ${slot} on ${node}`,
  message: 'it is missing there, so changes on this node are lost to the feed',
  cure: 'Start a process with createSubscriptions: it creates the slot, and every subscriber is reset and lists again.',
});

const unpublished = (table: string, node: string): Finding => ({
  check: 'publication',
  severity: 'error',
  subject: `${table} on ${node}`,
  message: 'the publication of the feed does not include it there, so its changes on this node are not in the feed',
  cure: `set citus.enable_ddl_propagation = off; alter publication intendant_feed add table ${table} on ${node}; subscribers must list the table again afterwards.`,
});
