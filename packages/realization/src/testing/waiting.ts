import type { DataStore } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { eventually } from '@intendant/devdb/testing';

/** Resolves when this many statements of the login wait for a lock. */
export async function untilWaitingForLock(store: DataStore, count = 1): Promise<void> {
  const { pool } = internalsOf(store);
  await eventually(async () => {
    const { rows } = await pool.query(
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows[0].waiting < count) throw new Error(`${rows[0].waiting} of ${count} wait`);
  });
}

/** A promise, and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
