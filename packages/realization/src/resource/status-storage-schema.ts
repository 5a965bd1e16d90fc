import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { POINT_COLUMN, type StatusTables } from './status-tables.ts';

/*
 * A mark must not touch an index. If no index contains a changed column and the page has room, Postgres stores the new
 * version of a row in the same page, adds no index entry, and reclaims the old version without vacuum. So no index
 * contains the status, and pages are filled only in part.
 *
 * A list by status therefore reads the status rows of its tenant, or those at one point by the index below.
 */

/** Percentage of a page that inserts fill. The rest is for the new versions of its rows. */
const FILL_FACTOR = 70;

/** Returns the SQL for what is missing, and removes the indexes on the status of earlier versions. */
export async function planStatusStorage(client: ClientBase, resources: readonly StatusTables[]): Promise<string[]> {
  const plan: string[] = [];
  for (const { overall, enforcement } of resources) {
    plan.push(...(await planIndexes(client, overall, [])), ...(await planFillFactor(client, overall)));
    plan.push(...(await planIndexes(client, enforcement, [pointIndex(enforcement, overall)])));
    plan.push(...(await planFillFactor(client, enforcement)));
  }
  return plan;
}

interface Index {
  readonly name: string;
  readonly create: string;
}

/** From a point to its resources, in the order of their key. The org comes first, as in every index. */
function pointIndex(enforcement: RegisteredTable, { identity }: RegisteredTable): Index {
  const name = quoteIdentifier(derivedName('point', enforcement.name, 'idx'));
  const org = identity.filter(({ field }) => field === 'orgId');
  const rest = identity.filter(({ field }) => field !== 'orgId');
  const columns = [...org.map(({ name }) => name), POINT_COLUMN, ...rest.map(({ name }) => name)];
  return {
    name,
    create: `create index if not exists ${name} on ${enforcement.qualifiedName} (${columns.map(quoteIdentifier).join(', ')})`,
  };
}

async function planIndexes(
  client: ClientBase,
  { schemaName, name, qualifiedName }: RegisteredTable,
  wanted: readonly Index[],
): Promise<string[]> {
  const inSchema = (index: string): string => `${quoteIdentifier(schemaName)}.${index}`;
  const former = inSchema(quoteIdentifier(derivedName('status', name, 'idx')));
  const { rows } = await client.query<{ index: string }>(
    `select name as index from unnest($1::text[]) as name
     where exists (select from pg_index where indexrelid = to_regclass(name) and indrelid = to_regclass($2))`,
    [[former, ...wanted.map((index) => inSchema(index.name))], qualifiedName],
  );
  const live = new Set(rows.map(({ index }) => index));
  return [
    ...(live.has(former) ? [`drop index ${former}`] : []),
    ...wanted.filter((index) => !live.has(inSchema(index.name))).map(({ create }) => create),
  ];
}

/** Leaves another fill factor unchanged, and a partitioned table, which has none. */
async function planFillFactor(client: ClientBase, { qualifiedName }: RegisteredTable): Promise<string[]> {
  const { rows } = await client.query(
    `select from pg_class
     where oid = to_regclass($1) and (relkind <> 'r' or array_to_string(reloptions, ' ') like '%fillfactor=%')`,
    [qualifiedName],
  );
  return rows.length > 0 ? [] : [`alter table ${qualifiedName} set (fillfactor = ${FILL_FACTOR})`];
}
