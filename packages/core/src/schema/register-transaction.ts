import type { ClientBase } from 'pg';
import { SET_KNOWN_SETTINGS } from '../exchange/known-settings.ts';
import { DISTRIBUTED_DDL } from './plan-distribution.ts';

const KEY = `hashtextextended('intendant.register', 0)`;

/** Advisory locks, held until the transaction ends, so that no other registration changes what this one has read. */
const LOCKS = {
  /** Many processes can look at the same time. */
  look: `select pg_advisory_xact_lock_shared(${KEY})`,
  /** Processes that start together change the schema one by one. */
  change: `select pg_advisory_xact_lock(${KEY})`,
};

export type Purpose = keyof typeof LOCKS;

/** Runs in a transaction under the register lock. */
export async function registerTransaction<T>(
  client: ClientBase,
  purpose: Purpose,
  isDistributed: boolean,
  run: (client: ClientBase) => Promise<T>,
): Promise<T> {
  try {
    await client.query('begin isolation level read committed read write');
    await client.query(SET_KNOWN_SETTINGS);
    if (isDistributed) await client.query(DISTRIBUTED_DDL.join('; '));
    await client.query(LOCKS[purpose]);
    const result = await run(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {}); // So that the lock is free when the caller receives the error.
    throw error;
  }
}
