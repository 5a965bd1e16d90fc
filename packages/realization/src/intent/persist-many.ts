import type { Executor, Scope } from '@intendant/core/internal';
import { explainingPoints } from '../placement/refused-point.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { insertOrLockOverallStatus } from '../status/overall-status.ts';
import { mayBeHalfStored } from './half-stored.ts';
import { findLeftovers } from './leftovers.ts';
import { type IntentToPersist, type PersistedIntent, persistIntent, persistIntents } from './persist-intent.ts';

const TOGETHER = 100;

/**
 * Persists intents in order, a hundred in each round trip. An intent whose id was used before needs a round trip of its
 * own. Throws what `persistIntent` throws; then nothing has changed.
 */
export async function persistMany(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<PersistedIntent[]> {
  if (intents.length === 0) return [];
  return executor.atomically((tx) => explainingPoints(tables, () => persistAll(tx, scope, tables, intents)));
}

async function persistAll(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<PersistedIntent[]> {
  const leftovers = await lockAndFindLeftovers(executor, scope, tables, intents);
  const persisted: PersistedIntent[] = [];
  while (persisted.length < intents.length) {
    const next = intents.slice(persisted.length, persisted.length + TOGETHER);
    const fresh = next.findIndex((_, index) => leftovers.has(persisted.length + index));
    if (fresh === 0) persisted.push(await persistIntent(executor, scope, tables, next[0] as IntentToPersist));
    else persisted.push(...(await persistTogether(executor, scope, tables, fresh < 0 ? next : next.slice(0, fresh))));
  }
  return persisted;
}

/** Locks all resources in the order of their identity, and returns the indexes of those with status rows of an earlier resource. */
async function lockAndFindLeftovers(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<Set<number>> {
  const identities = intents.map(({ identity }) => identity);
  const revisions = identities.map((identity) => ({ identity, makesRow: true, revision: 0 }));
  const { found } = await executor.run(scope, {
    lock: insertOrLockOverallStatus(tables, revisions),
    found: findLeftovers(tables, identities),
  });
  const ordinals = JSON.parse(String(found.rows[0]?.[0])) as number[];
  return new Set(ordinals.map((ordinal) => ordinal - 1));
}

async function persistTogether(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<PersistedIntent[]> {
  const persisted: PersistedIntent[] = [];
  for (const [index, one] of (await persistIntents(executor, scope, tables, intents)).entries()) {
    const intent = intents[index] as IntentToPersist;
    if (!(one instanceof Error)) persisted.push(one);
    else if (mayBeHalfStored(tables, intent.row)) persisted.push(await persistIntent(executor, scope, tables, intent));
    else throw one;
  }
  return persisted;
}
