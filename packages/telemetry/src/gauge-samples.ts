import { internalsOf } from '@intendant/core/internal';
import type { PointOverview, TableSummary } from '@intendant/realization';
import type { GaugeName, Sample } from './metric.ts';
import type { MetricsOptions } from './metrics-source.ts';

type GaugeSample = Sample<GaugeName>;

const DATABASE_INTERVAL_MS = 10_000;

/** Reads the gauges of this process at each call, and those of the database at most once in each interval. */
export class GaugeReader {
  readonly #options: MetricsOptions;
  #readAt = Number.NEGATIVE_INFINITY;
  #database: Promise<GaugeSample[]> = Promise.resolve([]);

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  /** Rejects when the database cannot be read. */
  async read(): Promise<GaugeSample[]> {
    const { databaseIntervalMs = DATABASE_INTERVAL_MS } = this.#options;
    if (performance.now() - this.#readAt >= databaseIntervalMs) {
      this.#readAt = performance.now();
      this.#database = readDatabase(this.#options);
      this.#database.catch(() => {
        this.#readAt = Number.NEGATIVE_INFINITY; // The next call reads again.
      });
    }
    return [...readProcess(this.#options), ...(await this.#database)];
  }
}

function readProcess({ store, subscriptions }: MetricsOptions): GaugeSample[] {
  const { total, idle, waiting } = store.stats();
  const feed = subscriptions?.stats();
  return [
    { metric: 'pool', labels: ['busy'], value: total - idle },
    { metric: 'pool', labels: ['idle'], value: idle },
    { metric: 'pool', labels: ['waiting'], value: waiting },
    ...(feed
      ? ([
          { metric: 'relay', labels: [], value: Number(feed.relay !== undefined && feed.relay.state !== 'waiting') },
          { metric: 'listener', labels: [], value: Number(feed.listener.isConnected) },
        ] satisfies GaugeSample[])
      : []),
  ];
}

async function readDatabase({ store, realization, subscriptions }: MetricsOptions): Promise<GaugeSample[]> {
  const samples = await Promise.all([
    realization?.summary().then((tables) => tables.flatMap(ofTable)),
    realization?.pointOverview().then((points) => points.flatMap(ofPoint)),
    subscriptions?.list().then((names) => names.flatMap(ofSubscription)),
    readSlots(store),
  ]);
  return samples.flatMap((some) => some ?? []);
}

const ofTable = ({ table, overall, points }: TableSummary): GaugeSample[] => [
  ...Object.entries(overall).map(([status, value]) => ({
    metric: 'resources' as const,
    labels: [table, status],
    value,
  })),
  ...[...points].flatMap(([point, counts]) =>
    Object.entries(counts).map(([status, value]) => ({
      metric: 'pointResources' as const,
      labels: [table, point, status],
      value,
    })),
  ),
];

function ofPoint({ id, state, heartbeatAt, queue }: PointOverview): GaugeSample[] {
  const states = ['waiting', 'due', 'running', 'failed'] as const;
  return [
    ...states.map((name) => ({ metric: 'queueJobs' as const, labels: [id, name], value: queue[name] })),
    { metric: 'oldestJobAge', labels: [id], value: secondsSince(queue.oldestDueAt) },
    ...(state === 'removed'
      ? []
      : [{ metric: 'heartbeatAge' as const, labels: [id], value: secondsSince(heartbeatAt) }]),
  ];
}

const secondsSince = (date: Date | null | undefined): number =>
  date ? Math.max(0, Date.now() - date.getTime()) / 1000 : 0;

const ofSubscription = ({
  name,
  lag,
  members,
  deadLetters,
}: {
  readonly name: string;
  readonly lag: number;
  readonly members: number;
  readonly deadLetters: number;
}): GaugeSample[] => [
  { metric: 'lag', labels: [name], value: lag },
  { metric: 'members', labels: [name], value: members },
  { metric: 'deadLetters', labels: [name], value: deadLetters },
];

async function readSlots(store: MetricsOptions['store']): Promise<GaugeSample[]> {
  const { rows } = await internalsOf(store).pool.query<{ slot: string; isActive: boolean; bytes: number | null }>(
    `select slot_name as slot, active as "isActive", pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as bytes
     from pg_replication_slots where database = current_database() and not pg_is_in_recovery()`,
  );
  return rows.map(({ slot, isActive, bytes }) => ({
    metric: 'slotWal',
    labels: [slot, String(isActive)],
    value: Math.max(0, bytes ?? 0),
  }));
}
