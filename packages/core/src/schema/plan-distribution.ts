import type { ClientBase } from 'pg';
import { ConfigurationError } from '../error/intendant-error.ts';
import { quoteLiteral } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { withEffect } from './effect.ts';
import { type LiveDistribution, readLiveDistribution } from './live-distribution.ts';
import type { LiveTable } from './live-schema.ts';

/** Settings of the connection that runs register's statements. */
export const DISTRIBUTED_DDL: readonly string[] = [
  // One connection to each node for the whole transaction: a second one would not see the objects that it creates.
  `set citus.multi_shard_modify_mode = 'sequential'`,
  // Citus calls every trigger unsafe, since one may read other rows. The revision trigger reads and writes only its own.
  'set citus.enable_unsafe_triggers = on',
];

/**
 * Plans how Citus keeps these tables: tenants' tables by `org_id`, all in one colocation group, shared tables as a copy on each
 * node. Runs after the tables' own statements, since Citus then copies the finished table to the nodes once.
 *
 * Throws ConfigurationError for a table that is kept in another way.
 */
export async function planDistribution(
  client: ClientBase,
  tables: readonly RegisteredTable[],
  live: ReadonlyMap<string, LiveTable>,
): Promise<string[]> {
  const plan: string[] = [];
  const distributed = tables.filter(({ placement }) => placement !== 'here');
  for (const [schemaName, own] of Map.groupBy(distributed, (table) => table.schemaName)) {
    const stored = await readLiveDistribution(client, schemaName);
    plan.push(...planSchemaDistribution(own, stored, live));
  }
  return plan;
}

/**
 * For a store without `distribution` in a database with Citus. Its settings do not reach the nodes, so it would see no row of a
 * distributed table. Throws ConfigurationError if one of the tables is distributed.
 */
export async function refuseDistributedTables(
  client: ClientBase,
  schemaName: string,
  definitions: readonly { readonly name: string }[],
): Promise<void> {
  const stored = await readLiveDistribution(client, schemaName);
  const found = definitions.find(({ name }) => (stored.get(name)?.kind ?? 'local') !== 'local');
  if (found === undefined) return;
  throw new ConfigurationError(
    `register: table ${found.name} is distributed by Citus, and this store has no distribution: give createDataStore distribution: citus(), or run select undistribute_table('${found.name}')`,
    { details: { table: found.name } },
  );
}

function planSchemaDistribution(
  tables: readonly RegisteredTable[],
  stored: ReadonlyMap<string, LiveDistribution>,
  live: ReadonlyMap<string, LiveTable>,
): string[] {
  let group = [...stored.values()].find(isByOrg);
  return tables.flatMap((table) => {
    const found = stored.get(table.name);
    if (found !== undefined && found.kind !== 'local') {
      const fault = faultOf(table, found, group);
      if (fault !== undefined) throw fault;
      return [];
    }
    const isCopy = table.placement === 'on-all-nodes';
    const statements = isCopy ? [copyToAllNodes(table)] : [distribute(table, group?.name)];
    if (!isCopy) group ??= { name: table.name, kind: 'distributed', column: 'org_id', colocation: 0 };
    return [...statements, ...emptyLocally(table, live.get(table.name))];
  });
}

const isByOrg = ({ kind, column }: LiveDistribution): boolean => kind === 'distributed' && column === 'org_id';

const distribute = ({ name, qualifiedName, schemaName }: RegisteredTable, sibling: string | undefined): string =>
  withEffect(
    `distributes table ${name} by org_id; its rows move to the nodes, and it is locked meanwhile`,
    `select pg_catalog.create_distributed_table(${quoteLiteral(qualifiedName)}, 'org_id', colocate_with => ${colocation(schemaName, sibling)})`,
  );

const colocation = (schemaName: string, sibling: string | undefined): string =>
  sibling === undefined
    ? `'default'`
    : `pg_catalog.format('%I.%I', ${quoteLiteral(schemaName)}, ${quoteLiteral(sibling)})`;

const copyToAllNodes = ({ name, qualifiedName }: RegisteredTable): string =>
  withEffect(
    `makes table ${name} a reference table; each node gets a copy of its rows, and it is locked meanwhile`,
    `select pg_catalog.create_reference_table(${quoteLiteral(qualifiedName)})`,
  );

/** The rows stay behind on the coordinator, where no statement sees them any more. */
const emptyLocally = ({ qualifiedName }: RegisteredTable, live: LiveTable | undefined): string[] =>
  live === undefined || live.isEmpty
    ? []
    : [`select pg_catalog.truncate_local_data_after_distributing_table(${quoteLiteral(qualifiedName)})`];

function faultOf(
  { name, qualifiedName, placement }: RegisteredTable,
  found: LiveDistribution,
  group: LiveDistribution | undefined,
): ConfigurationError | undefined {
  const undistribute = `select undistribute_table(${quoteLiteral(qualifiedName)})`;
  const refused = (is: string, repair: string): ConfigurationError =>
    new ConfigurationError(`register: table ${name} ${is}: run ${repair}, then register again`, {
      details: { table: name },
    });
  if (placement === 'on-all-nodes')
    return found.kind === 'reference'
      ? undefined
      : refused(`is shared, so it must be a reference table, and is distributed by ${found.column}`, undistribute);
  if (found.kind === 'reference')
    return refused('must be distributed by org_id, and is a reference table', undistribute);
  if (found.column !== 'org_id')
    return refused(`must be distributed by org_id, and is distributed by ${found.column}`, undistribute);
  if (group !== undefined && group.colocation !== found.colocation)
    return refused(
      `must be colocated with table ${group.name}, so that the rows of an org are on one node, and is not`,
      undistribute,
    );
  return undefined;
}

/** Without an instancer a statement looks for the instance of its record first, which Citus does not do in one statement. */
export function checkInstancer(tables: readonly RegisteredTable[]): void {
  const table = tables.find(({ placement, sharesKeys }) => placement !== 'here' && sharesKeys);
  if (table === undefined) return;
  throw new ConfigurationError(
    `register: table ${table.name} is instanced, and a store with distribution needs an instancer for it: give createDataStore an instancer, or leave out instanced`,
    { details: { table: table.name } },
  );
}
