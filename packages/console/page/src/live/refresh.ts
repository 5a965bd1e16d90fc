import type { Query } from '@tanstack/preact-query';
import type { Change } from '../api/model.ts';
import { queryClient } from '../api/query-client.ts';
import { liveChanges } from './live-changes.ts';

/** Shortest time between two refreshes, in milliseconds: busy services have thousands of changes per second. */
const PAUSE_MS = 800;

/** What changed since the last refresh: resources by table and id, and whole tables. */
const pending = { resources: new Set<string>(), tables: new Set<string>(), isAll: false };
let timer: ReturnType<typeof setTimeout> | undefined;

const MAX_NOTED = 5_000;

/** Keeps the page current: queries that a change may affect are repeated, at most about once per second. */
export function refreshWithChanges(): void {
  liveChanges.onChange((change) => note(change));
  liveChanges.onReset(() => {
    pending.isAll = true;
    schedule();
  });
  document.addEventListener('visibilitychange', schedule);
}

function note({ table, id }: Change): void {
  pending.tables.add(table);
  if (pending.resources.size < MAX_NOTED) pending.resources.add(`${table}/${id}`);
  else pending.isAll = true;
  schedule();
}

/** A hidden page reads nothing. It is refreshed when it is shown again. */
function schedule(): void {
  if (timer !== undefined || document.visibilityState === 'hidden') return;
  if (!pending.isAll && pending.tables.size === 0) return;
  timer = setTimeout(() => void refresh(), 150);
}

async function refresh(): Promise<void> {
  const { isAll } = pending;
  const [resources, tables] = [new Set(pending.resources), new Set(pending.tables)];
  pending.isAll = false;
  pending.resources.clear();
  pending.tables.clear();
  const predicate = ({ queryKey: [kind, table, id] }: Query): boolean => {
    if (isAll) return kind !== 'action';
    if (kind === 'summary' || kind === 'points' || kind === 'tenants') return true;
    if (kind === 'resources') return tables.has(String(table));
    return (kind === 'resource' || kind === 'history') && resources.has(`${table}/${id}`);
  };
  const startedAt = performance.now();
  await queryClient.invalidateQueries({ predicate }).catch(() => {});
  const took = performance.now() - startedAt;
  timer = setTimeout(
    () => {
      timer = undefined;
      schedule();
    },
    Math.max(PAUSE_MS, 3 * took),
  );
}
