import {
  type DataStoreInternals,
  quoteIdentifier,
  type Statement,
  type StatementResult,
  serviceScope,
  sessionInternalsOf,
} from '@intendant/core/internal';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import { enqueueResync } from '../job/enqueue.ts';
import { pointTableName } from '../placement/selector.ts';
import type { Identity } from '../resource/identity-set.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * A resync visits each realized resource at a point once in a period, evenly spread: with 3,600 resources and an
 * hour, one in each second. It only adds jobs with low priority. The worker that claims such a job finds nothing to
 * realize, and observes the real state.
 *
 * A row stores how far a round is; one process locks it for a step. Only points with a worker that has `observe` are
 * included.
 */

const STEP_MIN_MS = 1000;
const STEP_MAX_ROWS = 1000;
/** A worker whose last heartbeat is older counts as stopped. */
const STOPPED_AFTER_MS = 60_000;
const IDLE_MS = 5000;
const MIN_WAIT_MS = 50;

export const resyncJob = (store: DataStoreInternals, tables: () => readonly StatusTables[]): MaintenanceJob => ({
  name: 'resync',
  intervalMs: STEP_MIN_MS,
  work: async () => {
    const known = tables();
    if (known.length === 0) return IDLE_MS;
    return (await stepResync(store, known)) ? 0 : nextRoundMs(store, known);
  },
});

/** When the next round is due, as far as is known. */
async function nextRoundMs(store: DataStoreInternals, tables: readonly StatusTables[]): Promise<number> {
  const { rows } = await store.inServiceTransaction((client) =>
    client.query<{ waitMs: number | null }>(
      `select (extract(epoch from min(next_at) - clock_timestamp()) * 1000)::float8 as "waitMs"
     from intendant.resync where table_name = any ($1) and served_at > clock_timestamp() - ${STOPPED_AFTER_MS} * interval '1 ms'`,
      [tables.map(pointTableName)],
    ),
  );
  return Math.min(IDLE_MS, Math.max(MIN_WAIT_MS, rows[0]?.waitMs ?? IDLE_MS));
}

interface Round {
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
  readonly everyMs: number;
  readonly reached: Identity | null;
  /** Approximate number of resources that are realized there. */
  readonly resources: number;
}

/** Continues one round that is due. Returns whether there was one. */
async function stepResync(store: DataStoreInternals, tables: readonly StatusTables[]): Promise<boolean> {
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const { executor } = sessionInternalsOf(tx);
    const { due } = await executor.run(serviceScope, { due: dueRound(tables) });
    const round = readRound(tables, due);
    if (round === undefined) return false;
    const { rows: wanted, waitMs } = paceOf(round);
    const { found } = await executor.run(SERVICE_SCOPE, { found: nextRealized(round, wanted) });
    const identities = found.rows.map((row) => row.map((value) => value ?? ''));
    const { enforcementPoint } = round;
    if (identities.length > 0) {
      await executor.run(SERVICE_SCOPE, [enqueueResync(round.tables, enforcementPoint, identities)]);
    }
    const reached = identities.length === wanted ? (identities.at(-1) as Identity) : null;
    await executor.run(serviceScope, [saveRound(round, reached, waitMs)]);
    return true;
  });
}

/** The number of rows of a step and the pause after it, so that a round takes its time. */
function paceOf({ everyMs, resources }: Round): { rows: number; waitMs: number } {
  const eachMs = everyMs / Math.max(1, resources);
  const rows = Math.min(STEP_MAX_ROWS, Math.max(1, Math.ceil(STEP_MIN_MS / Math.max(eachMs, 0.001))));
  return { rows, waitMs: rows * eachMs };
}

const dueRound = (tables: readonly StatusTables[]): Statement => ({
  name: 'due-resync',
  text: `
    select s.table_name, s.point_id, s.every_ms, s.reached, (
        select coalesce(sum(c.resources), 0) from intendant.status_count c
        where c.table_name = s.table_name and c.point_id = s.point_id and c.status = ${STATUS_WEIGHTS.REALIZED}
      )
    from intendant.resync s
    where s.table_name in (select jsonb_array_elements_text($1::jsonb)) and s.next_at <= clock_timestamp()
      and s.served_at > clock_timestamp() - ${STOPPED_AFTER_MS} * interval '1 ms'
    order by s.next_at limit 1
    for update of s skip locked`,
  values: [JSON.stringify(tables.map(pointTableName))],
});

function readRound(tables: readonly StatusTables[], { rows }: StatementResult): Round | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  const [name, enforcementPoint, everyMs, reached, resources] = row;
  return {
    tables: tables.find((candidate) => pointTableName(candidate) === name) as StatusTables,
    enforcementPoint: String(enforcementPoint),
    everyMs: Number(everyMs),
    reached: reached ? (JSON.parse(reached) as Identity) : null,
    resources: Number(resources),
  };
}

const nextRealized = ({ tables, enforcementPoint, reached }: Round, limit: number): Statement => ({
  name: 'next-realized',
  text: nextSql(tables)[reached === null ? 'first' : 'next'],
  values: [enforcementPoint, String(limit), ...(reached ?? [])],
});

const nextSql = perStatusTables((tables) => {
  const names = tables.overall.identity.map(({ name }) => `e.${quoteIdentifier(name)}`);
  const values = tables.overall.identity.map(({ format }, index) => `$${index + 3}::${format.sqlType}`);
  const page = (after: string): string => `
    select ${names.map((name) => `${name}::text`).join(', ')}
    from ${tables.enforcement.qualifiedName} e
    where e.${POINT_COLUMN} = $1 and e.realization_status = ${STATUS_WEIGHTS.REALIZED} ${after}
    order by ${names.join(', ')} limit $2::bigint`;
  return { first: page(''), next: page(`and (${names.join(', ')}) > (${values.join(', ')})`) };
});

const saveRound = ({ tables, enforcementPoint }: Round, reached: Identity | null, waitMs: number): Statement => ({
  name: 'save-resync',
  text: `
    update intendant.resync
    set reached = $3::jsonb, next_at = clock_timestamp() + $4::double precision * interval '1 ms'
    where table_name = $1 and point_id = $2`,
  values: [pointTableName(tables), enforcementPoint, reached && JSON.stringify(reached), String(waitMs)],
});
