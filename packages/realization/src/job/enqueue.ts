import { quoteLiteral, type Statement } from '@intendant/core/internal';
import { INTENT_REVISION } from '../placement/intent-revision.ts';
import { ofResource } from '../placement/placement-statements.ts';
import { type Identity, identityArrays, identitySql } from '../resource/identity-set.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { IS_LOCKED } from '../status/overall-status.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/** The priority of jobs that come after new intents: a resync of realized resources. */
export type JobUrgency = 'intent' | 'resync';

export const JOB_PRIORITIES: Record<JobUrgency, number> = { intent: 0, resync: -1000 };

/** Adds jobs to the queues. The arguments are SQL for arrays of one length. Every writer role may call it. */
export const enqueueCall = (
  tables: StatusTables,
  points: string,
  identities: string,
  orgIds: string,
  priority = '0',
): string =>
  `intendant.enqueue_jobs(${quoteLiteral(tables.resource.schemaName)}, ${quoteLiteral(tables.resource.name)}, ${points}, ${identities}, ${orgIds}, ${priority})`;

/** SQL for the org to which a row under this alias belongs. */
export const orgIdOf = (tables: StatusTables, alias: string): string =>
  tables.resource.isTenanted ? `${alias}.org_id` : 'null::text';

/**
 * Adds a job at every point where the intent that was just written has work to do. Runs under its lock, after its rows
 * were written.
 */
export const enqueueIntent = (tables: StatusTables, identity: Identity): Statement => ({
  name: 'enqueue-intent',
  text: enqueueIntentSql(tables),
  values: identity,
});

const enqueueIntentSql = perStatusTables((tables) => {
  const json = identitySql(tables.overall).json('e');
  return `
    select ${enqueueCall(tables, `array_agg(e.${POINT_COLUMN})`, `array_agg(${json})`, `array_agg(${orgIdOf(tables, 'e')})`)}
    from ${tables.enforcement.qualifiedName} e
    where ${ofResource(tables, 'e')} and ${INTENT_REVISION} is not null
      and e.realization_status in (${STATUS_WEIGHTS.PENDING}, ${STATUS_WEIGHTS.DELETION_PENDING})
    having count(*) > 0`;
});

/** Adds a job for those resources of a locked set that have work to do at this point. */
export const enqueueWaiting = (
  tables: StatusTables,
  enforcementPoint: string,
  identities: readonly Identity[],
  urgency: JobUrgency,
): Statement => ({
  name: 'enqueue-waiting',
  text: enqueueWaitingSql(tables),
  values: [...identityArrays(tables.overall, identities), enforcementPoint, String(JOB_PRIORITIES[urgency])],
});

const enqueueWaitingSql = perStatusTables((tables) => {
  const identity = identitySql(tables.overall);
  const next = identity.parameterCount + 1;
  return `
    select ${enqueueCall(tables, `array_agg(e.${POINT_COLUMN})`, `array_agg(${identity.json('e')})`, `array_agg(${orgIdOf(tables, 'e')})`, `$${next + 1}::integer`)}
    from unnest(${identity.arrays}) with ordinality as i (${identity.columns}, intendant_ordinal)
    join ${tables.enforcement.qualifiedName} e on ${identity.same('e', 'i')} and e.${POINT_COLUMN} = $${next}
    where ${IS_LOCKED} and e.realization_status in (${STATUS_WEIGHTS.PENDING}, ${STATUS_WEIGHTS.DELETION_PENDING})
    having count(*) > 0`;
});

/** Adds a job for each of these at one point, with low priority. If a job already waits, none is added. */
export const enqueueResync = (
  tables: StatusTables,
  enforcementPoint: string,
  identities: readonly Identity[],
): Statement => ({
  name: 'enqueue-resync',
  text: enqueueResyncSql(tables),
  values: [...identityArrays(tables.overall, identities), enforcementPoint],
});

const enqueueResyncSql = perStatusTables((tables) => {
  const identity = identitySql(tables.overall);
  const point = `$${identity.parameterCount + 1}::text`;
  return `
    select ${enqueueCall(tables, `array_agg(${point})`, `array_agg(${identity.json('i')})`, `array_agg(${orgIdOf(tables, 'i')})`, String(JOB_PRIORITIES.resync))}
    from unnest(${identity.arrays}) as i (${identity.columns})
    having count(*) > 0`;
});
