/** A metric: its name in Prometheus, and its meaning. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  /** Names of the labels, in the order of a sample's values. */
  readonly labels: readonly string[];
}

/** Counted from events of this process. */
export const COUNTERS = {
  attempts: {
    name: 'intendant_attempts_total',
    help: 'Attempts of handlers that ended, by outcome: done, failed or handed-back',
    labels: ['table', 'point', 'action', 'outcome'],
  },
  retries: {
    name: 'intendant_retries_total',
    help: 'Attempts after the first for their revision',
    labels: ['table', 'point'],
  },
  deliveries: {
    name: 'intendant_deliveries_total',
    help: 'Calls of subscribers that ended, by outcome: done or failed',
    labels: ['table', 'subscription', 'outcome'],
  },
} as const satisfies Record<string, Metric>;

/** Distributions in seconds, of events of this process. */
export const HISTOGRAMS = {
  attemptDuration: {
    name: 'intendant_attempt_duration_seconds',
    help: 'Duration of attempts of handlers',
    labels: ['table', 'point', 'outcome'],
  },
  realizeLatency: {
    name: 'intendant_realize_latency_seconds',
    help: 'From the write of an intent to the end of the attempt that realized it',
    labels: ['table', 'point'],
  },
  deliveryDuration: {
    name: 'intendant_delivery_duration_seconds',
    help: 'Duration of calls of subscribers',
    labels: ['table', 'subscription', 'outcome'],
  },
} as const satisfies Record<string, Metric>;

/** Gauges, which are read when metrics are collected: from this process, or from the whole database. */
export const GAUGES = {
  resources: {
    name: 'intendant_resources',
    help: 'Resources of all tenants by overall status',
    labels: ['table', 'status'],
  },
  pointResources: {
    name: 'intendant_point_resources',
    help: 'Resources of all tenants by status at a point',
    labels: ['table', 'point', 'status'],
  },
  queueJobs: {
    name: 'intendant_queue_jobs',
    help: 'Jobs at a point by state: waiting, due, running or failed (and not realized since)',
    labels: ['point', 'state'],
  },
  oldestJobAge: {
    name: 'intendant_queue_oldest_job_age_seconds',
    help: 'Time since the oldest due job of a point became due',
    labels: ['point'],
  },
  heartbeatAge: {
    name: 'intendant_point_heartbeat_age_seconds',
    help: 'Time since the last heartbeat of a worker at a registered point',
    labels: ['point'],
  },
  lag: {
    name: 'intendant_subscription_lag_changes',
    help: 'Changes that a durable subscription has not handled yet, counted up to 10,000',
    labels: ['subscription'],
  },
  members: {
    name: 'intendant_subscription_members',
    help: 'Members of a durable name, in all processes',
    labels: ['subscription'],
  },
  deadLetters: {
    name: 'intendant_dead_letters',
    help: 'Changes of a durable subscription that reached the limit of attempts and are stored as dead letters',
    labels: ['subscription'],
  },
  relay: {
    name: 'intendant_relay_leader',
    help: '1 when this process announces changes, else 0',
    labels: [],
  },
  listener: {
    name: 'intendant_listener_connected',
    help: '1 when this process receives announcements of changes, else 0',
    labels: [],
  },
  pool: {
    name: 'intendant_pool_connections',
    help: 'Connections of the store by state: busy or idle; and operations waiting for one',
    labels: ['state'],
  },
  slotWal: {
    name: 'intendant_replication_slot_wal_bytes',
    help: 'Write-ahead log that the server retains for a replication slot of this database',
    labels: ['slot', 'active'],
  },
} as const satisfies Record<string, Metric>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;
export type GaugeName = keyof typeof GAUGES;

/** Upper bounds of histograms, in seconds. */
export const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** One value of a metric, with the values of its labels in their order. */
export interface Sample<Name extends string> {
  readonly metric: Name;
  readonly labels: readonly string[];
  readonly value: number;
}
