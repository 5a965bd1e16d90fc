export type { WaitLimit } from './background/wait-for-value.ts';
export type { DriftReport } from './drift/drift-report.ts';
export type { HistoryOptions, StatusTransition } from './history/history.ts';
export type { StatusCounts, TableSummary } from './history/summary.ts';
export type { PersistOptions, PersistResult } from './intent/persist-result.ts';
export type { SoftDeletedMany } from './intent/remove-many.ts';
export type { QueueDepth } from './job/pending-jobs.ts';
export type { Maintenance } from './maintenance/maintenance.ts';
export type { MaintenanceOptions } from './maintenance/maintenance-options.ts';
export type { ListedResource } from './operator/list-resources.ts';
export type { PointOverview } from './operator/point-overview.ts';
export type { PointDetail, ResourceDetail } from './operator/resource-detail.ts';
export type { ListOptions, ResourceFilter, ResourceOrder } from './operator/resource-filter.ts';
export type { Target } from './operator/target.ts';
export type { PlacementOptions, PlacementRule } from './placement/placement-rule.ts';
export type { Labels, LabelValue, Selector } from './placement/selector.ts';
export type { Announcement } from './point/announcement.ts';
export type { EnforcementPoints, PointOptions, PointsOptions, RemovePointOptions } from './point/enforcement-points.ts';
export type { EnforcementPoint, PointState } from './point/point-registry.ts';
export { createRealization } from './realization.ts';
export type { Realization, RealizationOptions, RealizationRegisterOptions } from './realization-api.ts';
export type { Marked, ResourceReference } from './resource/resource-reference.ts';
export type { FinishedOptions, Rollout, RolloutProgress } from './rollout/rollout-progress.ts';
export type { PurgeManyOptions, RetryTargetOptions } from './session/operator-session.ts';
export type { RealizationSession } from './session/realization-session.ts';
export type { SubmittingSession } from './session/submitting-session.ts';
export type { StatusDetails, StatusRecord } from './status/read-status.ts';
export { heaviestStatus, STATUS_WEIGHTS, STATUSES, type Status, statusName } from './status/status.ts';
export type { WaitOptions } from './status/wait-for.ts';
export type { Submitted } from './submit/submitted.ts';
export type { DrainedAttempt, DrainOptions } from './worker/drain.ts';
export {
  type HandlerContext,
  type Handlers,
  type Intent,
  type Observation,
  on,
  type TableHandlers,
} from './worker/handler.ts';
export type { RetryOptions } from './worker/retry-policy.ts';
export { TerminalError } from './worker/terminal-error.ts';
export type { Worker } from './worker/worker.ts';
export type { WorkerOptions } from './worker/worker-options.ts';
