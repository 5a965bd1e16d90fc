import { isDeepStrictEqual } from 'node:util';
import { ConfigurationError } from '@intendant/core';
import { type Statement, type StatementResult, serviceScope, type TransactionExecutor } from '@intendant/core/internal';
import type { Labels } from '../placement/selector.ts';
import { identitySql } from '../resource/identity-set.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import type { EnforcementPoint } from './point-registry.ts';
import { conflictingWorkerOf, findConflictingWorker } from './point-workers.ts';

/**
 * When the labels of a point change, resources whose selector no longer matches are unrealized there. One worker with a
 * wrong setting could unrealize everything at a point. So labels cannot change while a live process announces other
 * ones; and a process that starts may change them only if a small share of the resources there must leave.
 */

export interface Relabelling {
  readonly before: EnforcementPoint;
  readonly labels: Labels | undefined;
  readonly tables: readonly StatusTables[];
  /** The share of the resources at the point that may have to leave, from 0 to 1. */
  readonly maxUnrealizedShare: number;
}

/** Throws ConfigurationError when the labels must not change now. Needs the lock of the point's row. */
export async function checkRelabelling(tx: TransactionExecutor, relabelling: Relabelling): Promise<void> {
  const { before, labels } = relabelling;
  if (labels === undefined || isDeepStrictEqual(before.labels, labels)) return;
  const { conflicting } = await tx.run(serviceScope, { conflicting: findConflictingWorker(before.id, labels) });
  refuseConflictingLabels(before, labels, conflicting);
  if (relabelling.maxUnrealizedShare >= 1 || before.state === 'removed') return;
  await refuseUnrealizing(tx, relabelling, labels);
}

function refuseConflictingLabels({ id }: EnforcementPoint, labels: Labels, found: StatementResult): void {
  const conflicting = conflictingWorkerOf(found);
  if (conflicting === undefined) return;
  throw new ConfigurationError(
    `enforcement point ${id}: a process that is alive (${conflicting.host}, process ${conflicting.processId}) announces the labels ${JSON.stringify(conflicting.labels)}, not ${JSON.stringify(labels)}; stop it first, or use its labels`,
    { details: { enforcementPoint: id, labels, announcedLabels: conflicting.labels } },
  );
}

async function refuseUnrealizing(
  tx: TransactionExecutor,
  { before, tables, maxUnrealizedShare }: Relabelling,
  labels: Labels,
): Promise<void> {
  let [placed, leaving] = [0, 0];
  for (const table of tables) {
    const { count } = await tx.run(SERVICE_SCOPE, { count: countLeaving(table, before.id, labels) });
    placed += Number(count.rows[0]?.[0]);
    leaving += Number(count.rows[0]?.[1]);
  }
  if (leaving <= placed * maxUnrealizedShare) return;
  throw new ConfigurationError(
    `enforcement point ${before.id}: with the labels ${JSON.stringify(labels)} instead of ${JSON.stringify(before.labels)}, ${leaving} of ${placed} resources there would be unrealized; set allowUnrealize: true if this is intended, or relabel it with points.add`,
    { details: { enforcementPoint: before.id, labels, formerLabels: before.labels, placed, leaving } },
  );
}

const countLeaving = (tables: StatusTables, pointId: string, labels: Labels): Statement => ({
  name: 'count-leaving',
  text: countSql(tables),
  values: [pointId, JSON.stringify(labels)],
});

const countSql = perStatusTables(
  ({ overall, enforcement }) => `
    select count(*),
      count(*) filter (where o.placement_selector is not null and not intendant.labels_match($2::jsonb, o.placement_selector))
    from ${enforcement.qualifiedName} e
    join ${overall.qualifiedName} o on ${identitySql(overall).same('o', 'e')}
    where e.${POINT_COLUMN} = $1 and not e.is_removal`,
);
