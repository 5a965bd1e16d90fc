import type { Executor, Scope, Statement } from '@intendant/core/internal';
import { enqueueCall, JOB_PRIORITIES, orgIdOf } from '../job/enqueue.ts';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/**
 * Makes workers compare these resources with the real state where they are realized, with low priority. Returns the
 * number of added jobs. If a job already waits, none is added.
 */
export async function resyncResources(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  identities: readonly Identity[],
  enforcementPoint: string | undefined,
): Promise<number> {
  const { added } = await executor.run(scope, { added: resyncStatement(tables, identities, enforcementPoint) });
  return Number(added.rows[0]?.[0] ?? 0);
}

const resyncStatement = (
  tables: StatusTables,
  identities: readonly Identity[],
  enforcementPoint: string | undefined,
): Statement => ({
  name: 'resync-resources',
  text: resyncSql(tables),
  values: [...identityArrays(tables.overall, identities), enforcementPoint ?? null],
});

const resyncSql = perStatusTables((tables) => {
  const { arrays, columns, same, json, parameterCount } = identitySql(tables.overall);
  const point = `$${parameterCount + 1}::text`;
  const arguments_ = [
    `array_agg(e.${POINT_COLUMN})`,
    `array_agg(${json('e')})`,
    `array_agg(${orgIdOf(tables, 'e')})`,
  ] as const;
  return `
    select ${enqueueCall(tables, ...arguments_, String(JOB_PRIORITIES.resync))}
    from unnest(${arrays}) as i (${columns})
    join ${tables.enforcement.qualifiedName} e on ${same('e', 'i')}
    where e.realization_status = ${STATUS_WEIGHTS.REALIZED} and (${point} is null or e.${POINT_COLUMN} = ${point})
    having count(*) > 0`;
});
