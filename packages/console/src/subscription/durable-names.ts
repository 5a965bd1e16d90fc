import type { DataStoreInternals } from '@intendant/core/internal';

/** The names of all durable subscriptions. */
export async function durableNames({ pool }: DataStoreInternals): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('select name from intendant.durable_subscription order by name');
  return rows.map(({ name }) => name);
}
