import {
  type DataStoreInternals,
  quoteIdentifier,
  quoteLiteral,
  type Statement,
  serviceScope,
  sessionInternalsOf,
} from '@intendant/core/internal';
import { enqueueCall, orgIdOf } from '../job/enqueue.ts';
import { JOBS_SCHEMA } from '../job/job-functions.ts';
import { encodeKeyPart } from '../job/job-key.ts';
import { identitySql } from '../resource/identity-set.ts';
import { isElsewhere, resourcesOf } from '../resource/resource-rows.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/**
 * A job is written in the transaction that makes it necessary, so none should be missing. The sweep covers what no
 * transaction can: a job that was deleted by hand, a job table that was restored from another time, a resource that was
 * changed without the framework.
 *
 * It reads the rows of the status table in the order of their key, in chunks. A table stores the place, and its row is
 * locked meanwhile: all processes share one round, and if one dies, the others continue. Status and job are read in one
 * snapshot, and every transaction changes them together, so running work never looks like a lost job.
 */

export const SWEEP_TABLE = 'intendant.job_sweep';

export const CREATE_SWEEP_TABLE = `
create table if not exists ${SWEEP_TABLE} (
  table_name text primary key,
  place text[],
  next_at timestamptz not null
)`;

const CHUNK_ROWS = 1000;
/** The pause of a sweep, as a multiple of the time that it has worked. */
const PAUSE_RATIO = 10;

export interface Sweep {
  /** Number of missing jobs that were added. */
  readonly added: number;
  /** When the next chunk is due. */
  readonly waitMs: number;
}

/** Examines the next chunk, if it is due and no other process is working on it. */
export async function sweepChunk(store: DataStoreInternals, tables: StatusTables, intervalMs: number): Promise<Sweep> {
  const name = `${tables.resource.schemaName}.${tables.resource.name}`;
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const { executor } = sessionInternalsOf(tx);
    const { turn } = await executor.run(serviceScope, { know: addTable(name, intervalMs), turn: lockTurn(name) });
    const [isDue, place, dueInMs] = turn.rows[0] ?? ['f', null, String(intervalMs)];
    if (isDue !== 't') return { added: 0, waitMs: Math.max(0, Number(dueInMs)) };
    const startedAt = performance.now();
    const { chunk } = await executor.run(SERVICE_SCOPE, { chunk: addMissingJobs(tables, place ?? null) });
    const [rows, last, added] = chunk.rows[0] ?? [];
    const isRound = Number(rows) < CHUNK_ROWS;
    const waitMs = isRound ? intervalMs : (performance.now() - startedAt) * PAUSE_RATIO;
    await executor.run(serviceScope, [
      saveProgress(name, isRound ? null : (last ?? null), waitMs),
      ...(isRound ? [deleteOldFailures(tables)] : []),
    ]);
    return { added: Number(added ?? 0), waitMs };
  });
}

/** A table that is seen for the first time cannot have lost jobs yet. */
const addTable = (name: string, intervalMs: number): Statement => ({
  name: 'know-swept-table',
  text: `
    insert into ${SWEEP_TABLE} (table_name, next_at)
    values ($1, clock_timestamp() + $2::double precision * interval '1 ms') on conflict do nothing`,
  values: [name, String(intervalMs)],
});

const lockTurn = (name: string): Statement => ({
  name: 'take-sweep-turn',
  text: `
    select next_at <= clock_timestamp(), place, greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000)
    from ${SWEEP_TABLE} where table_name = $1 for update skip locked`,
  values: [name],
});

const saveProgress = (name: string, place: string | null, waitMs: number): Statement => ({
  name: 'note-sweep-progress',
  text: `
    update ${SWEEP_TABLE}
    set place = $2::text[], next_at = clock_timestamp() + $3::double precision * interval '1 ms'
    where table_name = $1`,
  values: [name, place, String(waitMs)],
});

const addMissingJobs = (tables: StatusTables, place: string | null): Statement => ({
  name: 'sweep-chunk',
  text: sweepSql(tables)[place === null ? 'first' : 'next'],
  values: place === null ? [] : [place],
});

const { PENDING, IN_PROGRESS, DELETION_PENDING, DELETION_IN_PROGRESS } = STATUS_WEIGHTS;

/**
 * Rows whose status is not final, and rows whose revision differs from the resource's. On Citus also rows of a resource that
 * does not exist: there the coordinator may crash after the node has committed the deletion.
 */
const needsJob = (tables: StatusTables): string => `
      (c.realization_status in (${[PENDING, IN_PROGRESS, DELETION_PENDING, DELETION_IN_PROGRESS].join(', ')}) or c.resource_revision < r.revision${
        isElsewhere(tables) ? ' or r.revision is null and not c.is_removal' : ''
      })`;

const sweepSql = perStatusTables((tables) => {
  const { json, of } = identitySql(tables.overall);
  const { schemaName, name } = tables.resource;
  const columns = tables.enforcement.identity.map((column) => quoteIdentifier(column.name));
  const place = tables.enforcement.identity.map(({ format }, index) => `($1::text[])[${index + 1}]::${format.sqlType}`);
  const chunkSql = (condition: string): string => `
    with chunk as (
      select * from ${tables.enforcement.qualifiedName} e
      ${condition}
      order by ${columns.join(', ')} limit ${CHUNK_ROWS}
    ),
    needy as (
      select c.* from chunk c
      left join ${resourcesOf(tables, 'c', `(select distinct ${of('c')} from chunk c) c`)}
      where ${needsJob(tables)}
        and not intendant.has_job(${quoteLiteral(schemaName)}, ${quoteLiteral(name)}, c.${POINT_COLUMN}, ${json('c')})
    )
    select (select count(*) from chunk),
      (select array[${columns.map((column) => `${column}::text`).join(', ')}] from chunk order by ${columns.map((column) => `${column} desc`).join(', ')} limit 1),
      (select ${enqueueCall(tables, `array_agg(n.${POINT_COLUMN})`, `array_agg(${json('n')})`, `array_agg(${orgIdOf(tables, 'n')})`)}
        from needy n having count(*) > 0)`;
  return { first: chunkSql(''), next: chunkSql(`where (${columns.join(', ')}) > (${place.join(', ')})`) };
});

/** Failed jobs are kept for operators, until pg-boss deletes them. */
const deleteOldFailures = ({ resource }: StatusTables): Statement => ({
  name: 'drop-old-failures',
  text: `
    delete from ${JOBS_SCHEMA}.job_common j using ${JOBS_SCHEMA}.queue q
    where starts_with(q.name, $1) and j.name = q.name and j.state = 'failed'
      and j.completed_on < clock_timestamp() - q.deletion_seconds * interval '1s'`,
  values: [`${[resource.schemaName, resource.name].map(encodeKeyPart).join('/')}/`],
});
