export { createRealization, type Realization, type RealizationOptions } from './realization.ts';
export type {
  Marked,
  PersistOptions,
  PersistResult,
  RealizationSession,
  ResourceReference,
} from './realization-session.ts';
export type { StatusDetails, StatusRecord } from './status/read-status.ts';
export { heaviestStatus, STATUS_WEIGHTS, STATUSES, type Status, statusName } from './status/status.ts';
export type { WaitOptions } from './wait-for.ts';
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
