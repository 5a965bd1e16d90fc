import type { DataStore } from '@intendant/core';
import { serviceQuery } from './service-query.ts';

/** All jobs as stored, by queue. */
export async function storedJobs(store: DataStore) {
  const { rows } = await serviceQuery(
    store,
    `select name, state, retry_count as tries, start_after <= now() as "isDue"
     from intendant_jobs.job_common order by name, created_on`,
  );
  return rows;
}
