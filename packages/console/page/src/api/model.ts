/** The responses of the API, as /openapi.json describes them. */

export const STATUSES = [
  'ERROR',
  'PENDING',
  'IN_PROGRESS',
  'DELETION_PENDING',
  'DELETION_IN_PROGRESS',
  'REALIZED',
  'DELETION_REALIZED',
  'UNKNOWN',
] as const;

export type Status = (typeof STATUSES)[number];

export type Counts = Readonly<Partial<Record<Status, number>>>;

export interface Caller {
  readonly subject: string | null;
  readonly orgId: string | null;
  readonly seesAllTenants: boolean;
  readonly seesService: boolean;
  readonly mayWrite: boolean;
}

export interface ResourceName {
  readonly table: string;
  readonly id: string;
  readonly key: Readonly<Record<string, unknown>>;
}

export interface Activity {
  readonly minute: string;
  readonly realized: number;
  readonly failed: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface TableSummary {
  readonly table: string;
  readonly total: number;
  readonly statuses: Counts;
  readonly key: readonly string[];
}

export interface NewestError extends ResourceName {
  readonly point: string;
  readonly message: string;
  readonly since: string;
}

export interface Summary {
  readonly caller: Caller;
  readonly tables: readonly TableSummary[];
  readonly points: { readonly live: number; readonly stale: number; readonly removed: number };
  readonly errors: readonly NewestError[];
}

export type Fields = Readonly<Record<string, unknown>>;

export interface Resource extends ResourceName {
  readonly record: Fields | null;
  readonly revision: number;
  readonly status: Status;
  readonly message: string;
  readonly since: string;
  readonly counts: Counts;
  readonly cells: readonly { readonly point: string; readonly status: Status }[];
}

export interface ResourcePage {
  readonly table: string;
  readonly total: number | null;
  readonly resources: readonly Resource[];
  readonly next: string | null;
}

export interface PointStatus {
  readonly point: string;
  readonly status: Status;
  readonly revision: number;
  readonly attempt: number | null;
  readonly since: string;
  readonly nextAttemptAt: string | null;
  readonly job: 'waiting' | 'running' | 'failed' | null;
  readonly error: string;
  readonly isRemoval: boolean;
}

export interface ResourceDetail extends ResourceName {
  readonly record: Fields | null;
  readonly revision: number;
  readonly status: Status;
  readonly message: string;
  readonly since: string;
  readonly points: readonly PointStatus[];
  readonly mayWrite: boolean;
}

export interface Transition {
  readonly point: string;
  readonly status: Status;
  readonly revision: number;
  readonly attempt: number | null;
  readonly message: string;
  readonly occurredAt: string;
}

export interface Revision {
  readonly revision: number | null;
  readonly operation: 'insert' | 'update' | 'delete';
  readonly occurredAt: string;
  readonly fields: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[] | null;
}

export interface ResourceHistory {
  readonly transitions: readonly Transition[];
  readonly revisions: readonly Revision[];
}

export interface Point {
  readonly id: string;
  readonly labels: Fields;
  readonly health: 'live' | 'stale' | 'removed' | 'unregistered';
  readonly lastSeenAt: string | null;
  readonly statuses: Counts;
  readonly queue: {
    readonly waiting: number;
    readonly due: number;
    readonly running: number;
    readonly failed: number;
    readonly oldestDueAt: string | null;
  };
  readonly workers: number;
}

export interface DeadLetter {
  readonly name: string;
  readonly position: string;
  readonly table: string;
  readonly operation: string;
  readonly key: Fields;
  readonly orgId: string | null;
  readonly revision: number | null;
  readonly record: Fields | null;
  readonly attempts: number;
  readonly error: string;
  readonly failedAt: string;
  readonly isDue: boolean;
}

export interface Subscription {
  readonly name: string;
  readonly table: string;
  readonly orgId: string | null;
  readonly instanceId: string | null;
  readonly members: number;
  readonly position: string;
  readonly lag: number;
  readonly deadLetters: number;
}

export interface Tenant {
  readonly orgId: string;
  readonly total: number;
  readonly statuses: Counts;
}

export interface ActionRun {
  readonly id: string;
  readonly action: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly error: string | null;
}

export interface Change extends ResourceName {
  readonly kind: 'resource' | 'overall' | 'enforcement';
  readonly orgId: string | null;
  readonly point: string | null;
  readonly operation: 'insert' | 'update' | 'delete';
  readonly revision: number | null;
  readonly position: string;
  readonly occurredAt: string;
}
