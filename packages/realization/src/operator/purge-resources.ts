import type { Executor, RegisteredTable, Scope, Statement } from '@intendant/core/internal';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { IS_LOCKED, lockOverallStatus } from '../status/overall-status.ts';

/** Removes all rows and jobs of these resources, and returns the number of resources that had any. Needs a transaction. */
export async function purgeResources(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  identities: readonly Identity[],
): Promise<number> {
  const { overall } = await executor.run(scope, {
    lock: lockOverallStatus(tables, identities),
    resource: purgeStep(tables, 'resource', identities),
    enforcement: purgeStep(tables, 'enforcement', identities),
    overall: purgeStep(tables, 'overall', identities),
  });
  return overall.rowCount;
}

/** Returns for how many of these resources there are rows. */
export async function countKnown(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  identities: readonly Identity[],
): Promise<number> {
  const values = identityArrays(tables.overall, identities);
  const { known } = await executor.run(scope, { known: { name: 'count-known', text: countSql(tables), values } });
  return Number(known.rows[0]?.[0]);
}

const countSql = perStatusTables(({ overall }) => {
  const { arrays, columns, same } = identitySql(overall);
  return `
    select count(*) from (select distinct ${columns} from unnest(${arrays}) as given (${columns})) i
    join ${overall.qualifiedName} o on ${same('o', 'i')}`;
});

const purgeStep = (
  tables: StatusTables,
  step: 'resource' | 'enforcement' | 'overall',
  identities: readonly Identity[],
): Statement => ({
  name: `purge-resources-${step}`,
  text: purgeSql(tables)[step],
  values: identityArrays(tables.overall, identities),
});

const purgeSql = perStatusTables(({ resource, enforcement, overall }) => {
  const { arrays, columns, same } = identitySql(overall);
  const locked = `(select * from unnest(${arrays}) with ordinality as i (${columns}, intendant_ordinal) where ${IS_LOCKED}) i`;
  const remove = ({ qualifiedName }: RegisteredTable): string =>
    `delete from ${qualifiedName} t using ${locked} where ${same('t', 'i')}`;
  return { resource: remove(resource), enforcement: remove(enforcement), overall: remove(overall) };
});
