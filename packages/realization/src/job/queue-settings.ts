/**
 * The settings of our queues in pg-boss. Its dashboard shows them, and its maintenance uses them. Our worker itself
 * decides when an attempt is repeated and how long a claim is valid.
 */

/** Number of attempts, including the first, unless a worker has another setting. */
export const DEFAULT_ATTEMPTS = 20;

const TEN_YEARS_SECONDS = 315_360_000;
const WEEK_SECONDS = 604_800;

/** The largest value of the column, for a worker with unlimited attempts. */
const NO_RETRY_LIMIT = 2_147_483_647;

/** pg-boss counts the attempts after the first. */
export const retryLimitOf = (attempts: number): number =>
  Number.isFinite(attempts) ? Math.min(attempts - 1, NO_RETRY_LIMIT) : NO_RETRY_LIMIT;

/** Columns of pg-boss' table of queues. */
export const QUEUE_COLUMNS = `policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, retention_seconds,
    deletion_seconds, partition, table_name`;

/**
 * The values of these columns. Leases end the attempts of dead workers, so pg-boss must not fail a job because of its
 * age. A waiting job does not expire. A failed job is deleted after a week.
 */
export const QUEUE_VALUES = `'stately', ${retryLimitOf(DEFAULT_ATTEMPTS)}, 1, true, 300, ${TEN_YEARS_SECONDS}, ${TEN_YEARS_SECONDS},
    ${WEEK_SECONDS}, false, 'job_common'`;

/** Queues and jobs of earlier versions have a retry limit that no worker used, and expire while a worker still renews its lease. */
const EARLIER = 'retry_limit = 1000000 and expire_seconds = 86400';

export const hasEarlierSettings = (schema: string): string =>
  `select exists (select from ${schema}.queue where ${EARLIER}) or exists (select from ${schema}.job_common where ${EARLIER}) as is_earlier`;

export const updateEarlierSettings = (schema: string): string[] =>
  ['queue', 'job_common'].map(
    (table) =>
      `update ${schema}.${table} set retry_limit = ${retryLimitOf(DEFAULT_ATTEMPTS)}, expire_seconds = ${TEN_YEARS_SECONDS} where ${EARLIER}`,
  );
