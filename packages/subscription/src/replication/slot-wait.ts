import { DedicatedConnection, pause } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';

/**
 * A replication slot can be created only after every transaction of the server that has written something, in any
 * database, has ended. These log lines name the transactions that are waited for.
 */
const FIRST_CHECK_MS = 1_000;
const CHECK_INTERVAL_MS = 5_000;

const BLOCKERS = `
select 'process ' || pid || coalesce(' (' || nullif(application_name, '') || ')', '') || ' in database ' || coalesce(datname, '?')
  || ', open for ' || extract(epoch from clock_timestamp() - xact_start)::int || ' s' as blocker
from pg_stat_activity where pid = any(pg_blocking_pids($1)) order by xact_start limit 5`;

export interface SlotWaitOptions {
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  /** The id of the server process that creates the slot. */
  readonly pid: number;
  /** Called with a description of the transactions that are waited for. */
  readonly onWaiting: (blockers: string) => void;
}

/** Creates a slot. Meanwhile it logs which transactions the creation waits for. */
export async function whileReporting<T>(options: SlotWaitOptions, create: () => Promise<T>): Promise<T> {
  const created = new AbortController();
  const reporting = reportSlotWait(options, created.signal);
  try {
    return await create();
  } finally {
    created.abort();
    await reporting;
  }
}

async function reportSlotWait(options: SlotWaitOptions, signal: AbortSignal): Promise<void> {
  await pause(FIRST_CHECK_MS, signal);
  while (!signal.aborted) {
    await report(options).catch((error) =>
      options.logger.debug({ err: error }, 'the transactions that the replication slot waits for cannot be read'),
    );
    await pause(CHECK_INTERVAL_MS, signal);
  }
}

async function report({ connection, logger, pid, onWaiting }: SlotWaitOptions): Promise<void> {
  await using watcher = await DedicatedConnection.open({ connection, applicationName: 'intendant slot watch' });
  const { rows } = await watcher.client.query<{ blocker: string }>(BLOCKERS, [pid]);
  const blockers = rows.map(({ blocker }) => blocker);
  if (blockers.length === 0) return;
  onWaiting(blockers.join('; '));
  logger.warn({ blockers }, 'the creation of the replication slot waits until these transactions have ended');
}
