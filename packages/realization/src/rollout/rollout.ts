import {
  arrayLiteral,
  type DataStoreInternals,
  type Executor,
  type SessionInternals,
  type Statement,
  type StatementResult,
  serviceScope,
  sessionInternalsOf,
} from '@intendant/core/internal';
import { enqueueWaiting } from '../job/enqueue.ts';
import { queueName } from '../job/job-key.ts';
import { pointTableName } from '../placement/selector.ts';
import type { Identity } from '../resource/identity-set.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { lockFreeOverallStatus, recomputeLocked } from '../status/overall-status.ts';
import {
  countToMove,
  type Direction,
  dropJobs,
  forget,
  move,
  nextPage,
  type PagedResource,
  pageOf,
  type RolloutPoint,
} from './rollout-statements.ts';

/**
 * When a point is added, removed or relabelled, resources are moved: those that match it now are placed there, and
 * those that no longer match are removed. 100,000 of them would be too many for one transaction. So a row stores how
 * far the rollout of a table is. A step moves one chunk and updates this row in the same transaction. After a crash at
 * most one step is repeated, and any process can continue.
 *
 * Intents run concurrently. An intent that read the registry before the point changed, and commits after the rollout
 * passed its place, would be missed. Such an intent had a transaction id before it read the registry, because it locks
 * its overall row first. So after the first pass the rollout waits until all transactions with an id up to the current
 * one have ended, and then makes a second pass, which finds the missed ones. Resources that another transaction has
 * locked are skipped, because a waiting chunk would block all its other resources; a pass that skipped some is followed
 * by another one.
 *
 * All rows get the current revision of the resource: a rollout does not change the intent.
 */

/** The most resources that a step examines, and the most that it moves. */
const PAGE = 1000;

/** The result of a step. `blocked`: all remaining resources are locked by other transactions. */
export type Step = 'moved' | 'blocked' | 'idle';

type Phase = 'count' | 'move' | 'settle' | 'done';

interface Rollout {
  readonly tables: StatusTables;
  readonly tableName: string;
  readonly point: RolloutPoint;
  readonly phase: Phase;
  readonly reached: Identity | null;
  readonly hasSkipped: boolean;
  readonly hasSettled: boolean;
}

interface Progress {
  readonly phase: Phase;
  readonly reached?: Identity | null;
  readonly moved?: number;
  readonly total?: number;
  readonly hasSkipped?: boolean;
  readonly hasSettled?: boolean;
}

/** Makes one step of an unfinished rollout of these tables, in one transaction. */
export async function advanceRollout(store: DataStoreInternals, tables: readonly StatusTables[]): Promise<Step> {
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const core = sessionInternalsOf(tx);
    const names = arrayLiteral(tables.map(pointTableName));
    const { claimed, unfinished } = await core.executor.run(serviceScope, {
      claimed: { name: 'claim-rollout', text: CLAIM, values: [names] },
      unfinished: { name: 'unfinished-rollouts', text: UNFINISHED, values: [names] },
    });
    const rollout = readRollout(tables, claimed);
    if (rollout === undefined) return unfinished.rows.length > 0 ? 'blocked' : 'idle';
    const progress = await step(core, rollout);
    await core.executor.run(serviceScope, [
      ...(progress.phase === 'done' && rollout.point.isForced ? [dropJobs(queueOf(rollout))] : []),
      saveProgress(rollout, progress),
    ]);
    // Everything left is locked by other transactions, so the next pass can wait.
    return rollout.hasSettled && progress.phase === 'move' && progress.reached === null ? 'blocked' : 'moved';
  });
}

const CLAIM = `
  select r.point_id, r.table_name, r.phase, r.reached, r.is_forced, r.has_skipped, r.has_settled, p.labels,
    p.state = 'live' and r.table_name = any (p.table_names)
  from intendant.point_rollout r
  join intendant.enforcement_point p on p.id = r.point_id
  where r.table_name = any ($1::text[]) and r.phase <> 'done'
    and (r.phase <> 'settle' or pg_snapshot_xmin(pg_current_snapshot()) >= r.settled_after)
  order by r.started_at, r.point_id, r.table_name
  limit 1
  for update of r skip locked`;

const UNFINISHED = `select from intendant.point_rollout where table_name = any ($1::text[]) and phase <> 'done' limit 1`;

function readRollout(tables: readonly StatusTables[], { rows }: StatementResult): Rollout | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  const [id, tableName, phase, reached, isForced, hasSkipped, hasSettled, labels, isOpen] = row;
  return {
    tables: tables.find((candidate) => pointTableName(candidate) === tableName) as StatusTables,
    tableName: String(tableName),
    point: { id: String(id), labels: String(labels), isOpen: isOpen === 't', isForced: isForced === 't' },
    phase: phase as Phase,
    reached: reached ? (JSON.parse(reached) as Identity) : null,
    hasSkipped: hasSkipped === 't',
    hasSettled: hasSettled === 't',
  };
}

function step(core: SessionInternals, rollout: Rollout): Promise<Progress> {
  if (rollout.phase === 'count') return count(core.executor, rollout);
  if (rollout.phase === 'move') return movePage(core.executor, rollout);
  return Promise.resolve({ phase: 'move', reached: null, hasSettled: true });
}

async function count(executor: Executor, { tables, point }: Rollout): Promise<Progress> {
  const { counted } = await executor.run(SERVICE_SCOPE, { counted: countToMove(tables, point) });
  return { phase: 'move', reached: null, total: Number(counted?.rows[0]?.[0]) };
}

async function movePage(executor: Executor, rollout: Rollout): Promise<Progress> {
  const { tables, point, reached } = rollout;
  const { found } = await executor.run(SERVICE_SCOPE, { found: plannedAnew(nextPage(tables, point, reached, PAGE)) });
  const page = pageOf(found);
  const placed = await moveSet(executor, rollout, 'place', page);
  const unplaced = await moveSet(executor, rollout, 'unplace', page);
  const moved = placed.moved + unplaced.moved;
  const hasSkipped = rollout.hasSkipped || placed.hasSkipped || unplaced.hasSkipped;
  if (page.length === PAGE) return { phase: 'move', reached: page.at(-1)?.identity ?? null, moved, hasSkipped };
  return { moved, reached: null, ...afterPass(rollout.hasSettled, hasSkipped) };
}

function afterPass(hasSettled: boolean, hasSkipped: boolean): Pick<Progress, 'phase' | 'hasSkipped'> {
  if (!hasSettled) return { phase: 'settle', hasSkipped: false };
  return hasSkipped ? { phase: 'move', hasSkipped: false } : { phase: 'done' };
}

/** A prepared plan assumes ten resources and the old table sizes, and may loop over all pairs for a page. So each page is planned anew. */
const plannedAnew = ({ text, values = [] }: Statement): Statement => ({ text, values });

async function moveSet(
  executor: Executor,
  { tables, point }: Rollout,
  direction: Direction,
  page: readonly PagedResource[],
): Promise<{ moved: number; hasSkipped: boolean }> {
  const identities = page.flatMap(({ identity, wanted }) => (wanted === direction ? [identity] : []));
  if (identities.length === 0) return { moved: 0, hasSkipped: false };
  const isForgotten = point.isForced && direction === 'unplace';
  const revisions = identities.map((identity) => ({ identity, revision: 0, text: null }));
  const { locked, moved } = await executor.run(SERVICE_SCOPE, {
    locked: plannedAnew(lockFreeOverallStatus(tables, identities)),
    moved: plannedAnew(isForgotten ? forget(tables, point, identities) : move(tables, direction, point, identities)),
    recompute: plannedAnew(recomputeLocked(tables, revisions)),
    // With low priority: intents come first.
    enqueue: isForgotten ? undefined : plannedAnew(enqueueWaiting(tables, point.id, identities, 'resync')),
  });
  const hasSkipped = Number(locked.rows[0]?.[1]) < identities.length;
  return { moved: moved.rowCount, hasSkipped };
}

const queueOf = ({ tables: { resource }, point }: Rollout): string =>
  queueName(resource.schemaName, resource.name, point.id);

const saveProgress = (rollout: Rollout, progress: Progress): Statement => ({
  name: 'save-rollout',
  text: SAVE,
  values: [
    rollout.point.id,
    rollout.tableName,
    progress.phase,
    progress.reached ? JSON.stringify(progress.reached) : null,
    String(progress.moved ?? 0),
    progress.total === undefined ? null : String(progress.total),
    String(progress.hasSkipped ?? rollout.hasSkipped),
    String(progress.hasSettled ?? rollout.hasSettled),
  ],
});

const SAVE = `
  update intendant.point_rollout
  set phase = $3, reached = $4::jsonb, done = done + $5::bigint, total = greatest(coalesce($6::bigint, total), done + $5::bigint),
    has_skipped = $7::boolean, has_settled = $8::boolean,
    settled_after = case when $3 = 'settle' then pg_current_xact_id() end,
    finished_at = case when $3 = 'done' then clock_timestamp() end
  where point_id = $1 and table_name = $2`;
