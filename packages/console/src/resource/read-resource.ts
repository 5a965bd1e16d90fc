import type { RealizationSession, Status, StatusRecord } from '@intendant/realization';
import type { ReadableTable } from '../caller/access.ts';
import type { ResourceKey } from './resource-key.ts';

/** How far a resource is at one point, and what its job there will do next. */
export interface PointStatus {
  readonly enforcementPoint: string;
  readonly status: Status;
  readonly revision: number;
  readonly attempt: number | null;
  readonly since: Date;
  readonly nextAttemptAt: Date | null;
  readonly job: 'waiting' | 'running' | 'failed' | null;
  readonly error: string;
  readonly isRemoval: boolean;
}

export interface ResourceDetail {
  readonly key: ResourceKey;
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly overall: StatusRecord;
  readonly points: readonly PointStatus[];
}

/** One resource with its status at each point. Throws RecordNotFoundError when nothing is known of it. */
export async function readResource(
  session: RealizationSession,
  table: ReadableTable,
  key: ResourceKey,
): Promise<ResourceDetail> {
  const { overall, enforcement } = await session.getOverallStatusWithEnforcementDetails(table.definition, key as never);
  const points = [...enforcement].map(([enforcementPoint, status]) => ({
    enforcementPoint,
    status: status.status,
    revision: status.revision,
    attempt: null,
    since: status.updatedAt,
    nextAttemptAt: null,
    job: null,
    error: status.additionalDetails,
    isRemoval: false,
  }));
  return { key, record: null, overall, points };
}
