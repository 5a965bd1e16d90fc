/*
 * What a queue of ours stores for pg-boss: its dashboard shows these numbers, and its maintenance acts on them. When an
 * attempt is made again, and how long a claim lasts, is decided by our worker.
 */

/** Attempts in all, the first included, where a worker says nothing else. */
export const DEFAULT_ATTEMPTS = 20;

const TEN_YEARS_SECONDS = 315_360_000;
const WEEK_SECONDS = 604_800;

/** The largest number that the column takes: for a worker that tries for ever. */
const NO_RETRY_LIMIT = 2_147_483_647;

/** pg-boss counts the attempts after the first. */
export const retryLimitOf = (attempts: number): number =>
  Number.isFinite(attempts) ? Math.min(attempts - 1, NO_RETRY_LIMIT) : NO_RETRY_LIMIT;

/** Columns of pg-boss' table of queues. */
export const QUEUE_COLUMNS = `policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, retention_seconds,
    deletion_seconds, partition, table_name`;

/**
 * Their values. Leases end an attempt whose worker is gone, so that pg-boss must not fail a job for its age; a job that
 * waits does not expire; one that failed is deleted after a week.
 */
export const QUEUE_VALUES = `'stately', ${retryLimitOf(DEFAULT_ATTEMPTS)}, 1, true, 300, ${TEN_YEARS_SECONDS}, ${TEN_YEARS_SECONDS},
    ${WEEK_SECONDS}, false, 'job_common'`;

/** Queues and jobs of earlier versions have a limit that no worker had, and expire while a worker still renews its lease. */
const EARLIER = 'retry_limit = 1000000 and expire_seconds = 86400';

export const hasEarlierSettings = (schema: string): string =>
  `select exists (select from ${schema}.queue where ${EARLIER}) or exists (select from ${schema}.job_common where ${EARLIER}) as is_earlier`;

export const updateEarlierSettings = (schema: string): string[] =>
  ['queue', 'job_common'].map(
    (table) =>
      `update ${schema}.${table} set retry_limit = ${retryLimitOf(DEFAULT_ATTEMPTS)}, expire_seconds = ${TEN_YEARS_SECONDS} where ${EARLIER}`,
  );
