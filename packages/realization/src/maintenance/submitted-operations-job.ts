import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import { pointTableName } from '../placement/selector.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { type Applied, applyShard } from '../submit/apply-shard.ts';
import { waitingShards } from '../submit/operation-statements.ts';

export const SUBMITTED = 'submitted operations';

/** Shards that one process works on at a time: each uses a connection of the store's pool. */
const SHARDS_AT_ONCE = 4;
const BLOCKED_MS = 50;
/** The feed reports operations that other processes submit. */
const WATCHED_MS = 2000;
const UNWATCHED_MS = 500;

export interface SubmittedOperationsParts {
  readonly store: DataStoreInternals;
  /** Undefined before anything is registered. */
  operations(): RegisteredTable | undefined;
  tables(): readonly StatusTables[];
  readonly watch: MaintenanceJob['watch'];
}

/** Runs submitted operations. */
export const submittedOperationsJob = ({
  store,
  operations,
  tables,
  watch,
}: SubmittedOperationsParts): MaintenanceJob => ({
  name: SUBMITTED,
  intervalMs: watch ? WATCHED_MS : UNWATCHED_MS,
  watch,
  work: async () => {
    const table = operations();
    const known = new Map(tables().map((one) => [pointTableName(one), one]));
    if (table === undefined || known.size === 0) return undefined;
    const { found } = await store.executor.run(SERVICE_SCOPE, { found: waitingShards(table, [...known.keys()]) });
    const shards = found.rows.map(([shard]) => Number(shard));
    const applied = await applyShards(shards, (shard) =>
      applyShard({ store, operations: table, tables: known }, shard),
    );
    if (applied.includes('more')) return 0;
    return applied.includes('blocked') ? BLOCKED_MS : undefined;
  },
});

async function applyShards(shards: readonly number[], apply: (shard: number) => Promise<Applied>): Promise<Applied[]> {
  const waiting = [...shards];
  const applied: Applied[] = [];
  const applyNext = async (): Promise<void> => {
    for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) applied.push(await apply(shard));
  };
  await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, applyNext));
  return applied;
}
