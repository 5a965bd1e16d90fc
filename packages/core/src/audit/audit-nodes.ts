import type { ClientBase } from 'pg';
import { type LiveTable, liveTablesQuery } from '../schema/live-schema.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { AuditSubject } from './audit-subject.ts';
import { auditTable } from './audit-tables.ts';
import type { IsolationFinding } from './finding.ts';

/**
 * The shards of distributed tables, and the roles, on each node. Citus copies policies and rights to the shards when it
 * distributes a table, and with each later statement on the table. A change made on a node itself, or while propagation was off,
 * can only be seen there. A table with a finding on the coordinator is left out: its repair there repairs the shards.
 */
export async function auditNodes(
  subject: AuditSubject,
  found: readonly IsolationFinding[],
): Promise<IsolationFinding[]> {
  const { client, isDistributed, tables, roles, login } = subject;
  const distributed = tables.filter(
    ({ name, placement }) => placement !== 'here' && !found.some(({ subject: table }) => table === name),
  );
  if (!isDistributed || distributed.length === 0) return [];
  const findings = (await onAllNodes<NodeRole>(client, rolesQuery([login, ...roles]))).flatMap(auditRoles);
  for (const [schemaName, own] of Map.groupBy(distributed, (table) => table.schemaName)) {
    const tableOf = await readShards(client, own);
    const query = liveTablesQuery(quoteLiteral(schemaName), arrayOf([...tableOf.keys()]));
    for (const { node, rows } of await onAllNodes<LiveTable>(client, query))
      findings.push(...rows.flatMap((shard) => auditShard(subject, node, tableOf.get(shard.name), shard)));
  }
  return findings;
}

/** The tables by the names of their shards. */
async function readShards(
  client: ClientBase,
  tables: readonly RegisteredTable[],
): Promise<Map<string, RegisteredTable>> {
  const { rows } = await client.query<{ place: number; path: string[] }>(
    `select t.place::int, pg_catalog.parse_ident(pg_catalog.shard_name(s.logicalrelid, s.shardid)) as path
     from unnest($1::text[]) with ordinality as t (name, place)
     join pg_catalog.pg_dist_shard s on s.logicalrelid = pg_catalog.to_regclass(t.name)`,
    [tables.map(({ qualifiedName: name }) => name)],
  );
  return new Map(rows.map(({ place, path }) => [path.at(-1) as string, tables[place - 1] as RegisteredTable]));
}

interface NodeRows<Row> {
  /** Address of the node. */
  readonly node: string;
  readonly rows: readonly Row[];
  /** The reason why there are no rows. */
  readonly failure: string | undefined;
}

/** Runs a query on every node. One that cannot be reached does not stop the others. */
async function onAllNodes<Row>(client: ClientBase, query: string): Promise<NodeRows<Row>[]> {
  const { rows } = await client.query<{ node: string; success: boolean; result: string }>(
    `select pg_catalog.format('%s:%s', n.nodename, n.nodeport) as node, r.success, r.result
     from pg_catalog.run_command_on_all_nodes($1) r
     join pg_catalog.pg_dist_node n on n.nodeid = r.nodeid
     order by 1`,
    [`select pg_catalog.json_agg(r) from (${query}) as r`],
  );
  return rows.map(({ node, success, result }) => ({
    node,
    rows: success && result ? (JSON.parse(result) as Row[]) : [],
    failure: success ? undefined : result,
  }));
}

const arrayOf = (names: readonly string[]): string => `array[${names.map(quoteLiteral).join(', ')}]::text[]`;

interface NodeRole {
  readonly name: string;
  readonly isSuperuser: boolean;
}

const rolesQuery = (names: readonly string[]): string =>
  `select rolname as name, rolsuper as "isSuperuser" from pg_catalog.pg_roles
   where rolname = any (${arrayOf(names)}) and (rolsuper or rolbypassrls)`;

function auditRoles({ node, rows, failure }: NodeRows<NodeRole>): IsolationFinding[] {
  if (failure !== undefined)
    return [
      {
        rule: 'node',
        subject: node,
        message: `the node ${node} cannot be checked: ${failure}`,
        sql: '-- start the node, then run the audit again',
      },
    ];
  return rows.map(({ name, isSuperuser }) => {
    const attribute = isSuperuser ? 'superuser' : 'bypassrls';
    return {
      rule: 'login-attribute',
      subject: `${name} on ${node}`,
      message: `role ${name} is ${attribute} on the node ${node}: row security does not apply to it`,
      sql: `-- on ${node}\nalter role ${quoteIdentifier(name)} no${attribute}`,
    };
  });
}

function auditShard(
  subject: AuditSubject,
  node: string,
  table: RegisteredTable | undefined,
  shard: LiveTable,
): IsolationFinding[] {
  if (table === undefined) return [];
  const target = {
    ...table,
    name: `${shard.name} on ${node}`,
    qualifiedName: qualifiedName(table.schemaName, shard.name),
  };
  return auditTable(target, shard, subject).map(({ sql, ...finding }) => ({
    ...finding,
    sql: `-- on ${node}\nset citus.enable_manual_changes_to_shards = on;\n${sql}`,
  }));
}
