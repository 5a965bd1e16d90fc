import type pg from 'pg';
import { serviceScope } from '../context/scope.ts';
import { runExchange } from './exchange.ts';
import { acquire } from './pool.ts';
import type { StoreExchange } from './store-exchange.ts';

/**
 * Runs in its own transaction under the service role, on one connection of the pool. This needs two more round trips
 * than the statements themselves. For infrequent statements whose result pg should parse; frequent ones use
 * `executor.run(serviceScope, …)`, which needs one round trip.
 */
export async function inServiceTransaction<T>(
  { pool, settings }: StoreExchange,
  run: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await acquire(pool, undefined);
  try {
    await runExchange(
      client,
      [{ text: 'begin isolation level read committed' }, ...settings.statements(serviceScope)],
      {
        usesNamedStatements: false,
      },
    );
    const result = await run(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release(client.getTransactionStatus() !== 'I');
  }
}
